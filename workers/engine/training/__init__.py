"""The loop and what it keeps: updates, memory, processes, checkpoints, state."""
