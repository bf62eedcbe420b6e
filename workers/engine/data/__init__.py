"""Rows of a data set on their way to samples: reading, rendering, pairs, rankings, steps."""
