"""Trials of rewards: a pipeline asked about pasted text, rows of a data set or a run's rollouts before it is launched."""
