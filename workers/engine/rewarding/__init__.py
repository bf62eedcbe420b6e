"""From answers to rewards: the pipeline of terms, judges, shaping."""
