"""Run, Attempt, the table of states, leases, queueing, control."""
