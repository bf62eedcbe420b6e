"""Models as the engine runs them: loading, adapters, precision, log-probs, heads, frozen copies."""
