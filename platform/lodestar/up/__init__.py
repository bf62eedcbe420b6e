"""`lodestar up`: one command that brings everything up on this machine, and takes it all down again.

checks     what must hold before anything starts, each with its remedy; also `lodestar doctor`
database   integrity after an unclean stop, migrations
welcome    the first administrator, the sign-in link, the demo project
redis_server, programs   what is started, and how; supervisor (the package) keeps it running
running    the whole way, from the lock to the last process gone
"""

from lodestar.up.running import run

__all__ = ["run"]
