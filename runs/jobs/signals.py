"""`job_changed` is sent with `job`, in the transaction of the change, whenever its state or progress is new."""

from django.dispatch import Signal

job_changed = Signal()
