"""The web process: no torch in it, and little memory."""

import subprocess
import sys

import pytest

from lodestar.cli.serve import web
from lodestar.environment import ROOT

LOADED = """
import sys
import lodestar.asgi
import psutil
heavy = [name for name in ("torch", "transformers", "datasets", "pyarrow", "pandas", "workers.engine") if name in sys.modules]
print(",".join(heavy), psutil.Process().memory_info().rss // 2**20)
"""


@pytest.mark.slow
def test_it_loads_no_torch_and_stays_below_250_mib():
    output = subprocess.check_output([sys.executable, "-c", LOADED], cwd=ROOT, text=True)
    heavy, mebibytes = output.split("\n")[-2].rsplit(" ", 1)
    assert heavy == ""
    assert int(mebibytes) < 250


@pytest.mark.slow
def test_it_starts_where_torch_is_not_installed():
    """As on a web host: importing the server with torch and its like made impossible."""
    blocked = "import sys\nfor name in ('torch', 'transformers', 'peft', 'accelerate'):\n    sys.modules[name] = None\n"
    subprocess.run([sys.executable, "-c", blocked + "import lodestar.asgi"], cwd=ROOT, check=True)


@pytest.mark.parametrize(("public_url", "trusted"), [("", False), ("https://lodestar.example.org", True)])
def test_a_callers_word_for_its_address_counts_only_behind_a_proxy(monkeypatch, public_url, trusted):
    given: dict[str, object] = {}
    monkeypatch.setenv("LODESTAR_PUBLIC_URL", public_url)
    monkeypatch.setenv("LODESTAR_DATABASE_POOL", "")
    monkeypatch.setattr("uvicorn.run", lambda application, **words: given.update(words))
    web()
    assert given["proxy_headers"] is trusted
