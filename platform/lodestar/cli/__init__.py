"""The command `lodestar`: one file for each group of commands. Each reads its environment variables like the servers.

Commands import Django only when they run, so that `lodestar --help` answers at once.
"""

from lodestar.cli.app import app

__all__ = ["app"]
