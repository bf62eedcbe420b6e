"""The catalogue of methods, saved configs, validation against the schema, preflight."""
