"""`campaign_finished` is sent with `campaign`, in the transaction of the change: every pair is judged, or an editor said so."""

from django.dispatch import Signal

campaign_finished = Signal()
