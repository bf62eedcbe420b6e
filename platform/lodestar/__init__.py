"""The Django project: settings, routes, servers and the command line."""

__version__ = "0.1.0"
