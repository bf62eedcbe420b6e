"""Answers that the policy writes, and what is asked of them before they are learned from."""
