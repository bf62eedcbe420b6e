"""A GET of about 1 kB on a kept connection, with the web server and its processes as `lodestar web` starts them.

    python tests/benchmarks/http_latency.py [web processes]

Prints milliseconds at p50, p95 and p99, and the web process's memory.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.serving import address, lodestar, serving, site  # noqa: E402 - needs the path above

REQUESTS = 1000
WARM_UP = 100


def measure(url: str, token: str) -> list[float]:
    """Seconds of each request, after some that warm up."""
    taken = []
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        for _ in range(WARM_UP + REQUESTS):
            started = time.perf_counter()
            answer = client.get("/api/v1/projects")
            taken.append(time.perf_counter() - started)
            answer.raise_for_status()
        print(f"body {len(answer.content)} bytes")
    return taken[WARM_UP:]


def main() -> None:
    processes = sys.argv[1] if len(sys.argv) > 1 else "1"
    with tempfile.TemporaryDirectory() as home:
        environment = site(home, LODESTAR_WEB_PROCESSES=processes)
        lodestar(environment, "user", "create", "bench@example.org", "--admin")
        for number in range(5):
            lodestar(environment, "project", "create", f"Project {number}")
        token = lodestar(environment, "token", "create", "--quiet")
        with serving(environment) as web:
            taken = measure(address(environment), token)
            memory = max(part.memory_info().rss for part in [web, *web.children(recursive=True)])
    cuts = statistics.quantiles(taken, n=100)
    shown = {f"p{cut}": cuts[cut - 1] for cut in (50, 95, 99)}
    print(f"{processes} web processes: " + ", ".join(f"{name} {1000 * value:.2f} ms" for name, value in shown.items()))
    print(f"memory of the largest web process: {memory / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
