"""What the room tells the others, in the transaction of the change itself.

`run_changed` is sent with `run` (fresh from the database) and `event`: a contract event that telemetry appends to the
run's log, or None when the log already has it (the engine said it) and only the summary is new.
"""

from django.dispatch import Signal

run_changed = Signal()
