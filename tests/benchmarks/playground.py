"""How long a person waits for the first token of a model that stands ready: `python -m tests.benchmarks.playground`.

Asks the server at LODESTAR_URL with LODESTAR_TOKEN, through /v1 as the page's stream does, one question at a time and
then several at once. Printed, never asserted.
"""

import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import httpx

QUESTIONS, AT_ONCE, TOKENS = 40, 4, 64


def ask(client: httpx.Client, model: str) -> tuple[float, float, int]:
    """Seconds to the first token and to the end, and how many chunks had text."""
    body = {"model": model, "messages": [{"role": "user", "content": "12+30="}], "max_tokens": TOKENS, "stream": True}
    began, first, pieces = time.perf_counter(), 0.0, 0
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                said = json.loads(line[6:])
                if said.get("choices") and said["choices"][0]["delta"].get("content"):
                    first = first or time.perf_counter() - began
                    pieces += 1
    return first or time.perf_counter() - began, time.perf_counter() - began, pieces


def row(name: str, found: list[tuple[float, float, int]]) -> str:
    first = sorted(1000 * one[0] for one in found)
    whole = statistics.median(1000 * one[1] for one in found)
    p95 = first[int(0.95 * (len(first) - 1))]
    return f"{name:<22} first token p50 {statistics.median(first):6.1f} ms  p95 {p95:6.1f} ms  whole answer p50 {whole:7.1f} ms"


def main() -> int:
    headers = {"Authorization": f"Bearer {os.environ['LODESTAR_TOKEN']}"}
    with httpx.Client(base_url=os.environ.get("LODESTAR_URL", "http://127.0.0.1:8000"), headers=headers, timeout=180) as client:
        models = client.get("/v1/models").json()["data"]
        model = next((one["id"] for one in models if "Tiny" in one["name"]), models[0]["id"])
        cold = time.perf_counter()
        ask(client, model)
        print(f"{'model not loaded yet':<22} {time.perf_counter() - cold:.1f} s")
        print(row("one at a time", [ask(client, model) for _ in range(QUESTIONS)]))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            print(row(f"{AT_ONCE} at once", list(pool.map(ask, repeat(client, QUESTIONS), repeat(model)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
