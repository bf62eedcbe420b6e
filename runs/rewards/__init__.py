"""Reward pipelines as people compose them: named, in versions that never change, checked against the catalogue."""
