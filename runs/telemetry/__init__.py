"""Event log, metrics, logs, rollouts of a run, and the sockets that follow them."""
