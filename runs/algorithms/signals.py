"""`workers_asked` asks the rooms above which catalogues are on workers online; a receiver answers with their hashes."""

from django.dispatch import Signal

workers_asked = Signal()
