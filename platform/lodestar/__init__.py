"""The Django project: settings, routes, servers and the command line."""
