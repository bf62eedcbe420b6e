"""Base models and checkpoints."""
