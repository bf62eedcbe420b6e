"""The site's settings with a state directory that tests may fill, gone when they end."""

import atexit
import os
import shutil
import tempfile

# A process that a test has started keeps the directory its test named.
if "PYTEST_CURRENT_TEST" not in os.environ:
    os.environ["LODESTAR_HOME"] = tempfile.mkdtemp(prefix="lodestar-tests-")
    atexit.register(shutil.rmtree, os.environ["LODESTAR_HOME"], ignore_errors=True)

from lodestar.settings import *  # noqa: F403

# Argon2 is slow on purpose; these passwords guard nothing.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# WhiteNoise looks up a file when it is asked for. Listing the front end's files at each test client cost a third of the time.
WHITENOISE_AUTOREFRESH = True
