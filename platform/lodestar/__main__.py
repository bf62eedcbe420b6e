"""`python -m lodestar`: the same as the command `lodestar`."""

from lodestar.cli import app

if __name__ == "__main__":
    app()
