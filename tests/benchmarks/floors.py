"""What this machine's arithmetic and memory allow each case beside TRL: operations at the measured rate of matrix products.

    python tests/benchmarks/floors.py [--threads 2]

Counted are the products of layers, head and attention, forward and backward, each prompt once for its group or pair, the head
only where a token is scored, our reference's log-probs cached. Left out is all else: norms, activations, sampling, softmax,
Python. Each rate is the median over repeats on the layers' own shapes.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
import torch

WIDE = {"width": 320, "layers": 8, "inner": 864}
NARROW = {"width": 128, "layers": 4, "inner": 448}
VOCABULARY = 1024
DECODING_ROWS = 32


def seconds(work: Callable[[], object], repeats: int = 25) -> float:
    work()
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def rate(rows: int, shape: dict[str, int], *, precision: str = "highest", dtype: torch.dtype = torch.float32) -> float:
    """FLOP/s of one layer's linear maps on that many rows."""
    width, inner = shape["width"], shape["inner"]
    maps = [(torch.randn(rows, inside, dtype=dtype), torch.randn(out, inside, dtype=dtype))
            for inside, out, times in ((width, width, 4), (width, inner, 2), (inner, width, 1)) for _ in range(times)]
    torch.set_float32_matmul_precision(precision)
    try:
        with torch.no_grad():
            took = seconds(lambda: [torch.nn.functional.linear(left, right) for left, right in maps])
    finally:
        torch.set_float32_matmul_precision("highest")
    return sum(2 * left.numel() * len(right) for left, right in maps) / took


@dataclass(frozen=True)
class Work:
    """Operations of a step: of its update, and of writing answers."""

    update: float
    decode: float = 0.0
    written: int = 0

    @staticmethod
    def of(shape: dict[str, int], *, read: float, scored: float, seen: float, prompts: float = 0, answers: int = 0,
           length: int = 0) -> "Work":
        """`read` tokens of an update, `scored` ones with a head, each seeing `seen` others on average; `answers` written of
        `length` tokens after `prompts` tokens of prompts."""
        width = shape["width"]
        layers = shape["layers"] * (4 * width * width + 3 * width * shape["inner"])
        forward = 2 * (read * layers + scored * VOCABULARY * width) + 4 * shape["layers"] * width * read * seen
        written = answers * length
        decode = 2 * ((prompts + written) * layers + written * VOCABULARY * width) + 4 * shape["layers"] * width * written * seen
        return Work(3 * forward, decode if answers else 0.0, length)


def parameters(shape: dict[str, int]) -> int:
    width = shape["width"]
    return shape["layers"] * (4 * width * width + 3 * width * shape["inner"]) + VOCABULARY * width


def cases(shape: dict[str, int]) -> dict[str, Work]:
    answers = 4 * 8
    return {
        "SFT, 8 x (32 + 64)": Work.of(shape, read=8 * 96, scored=8 * 64, seen=48),
        "SFT, 16 x (32 + 8..64)": Work.of(shape, read=16 * 68, scored=16 * 36, seen=35),
        "DPO, 8 pairs of 32 + 64": Work.of(shape, read=8 * (32 + 128), scored=8 * 128, seen=55),
        "GRPO, 4 x 8 x (32 + 64)": Work.of(shape, read=4 * 32 + answers * 64, scored=answers * 64, seen=62,
                                           prompts=4 * 32, answers=answers, length=64),
        "GRPO, 4 x 8 x (256 + 64)": Work.of(shape, read=4 * 256 + answers * 64, scored=answers * 64, seen=235,
                                            prompts=4 * 256, answers=answers, length=64),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    block = torch.randn(64 << 20)
    copy = 2 * 4 * block.numel() / seconds(block.clone, 7)
    print(f"memory, read and written: {copy / 1e9:.0f} GB/s")
    for name, shape in (("10M", WIDE), ("1M", NARROW)):
        many, few = 768, DECODING_ROWS
        plain, quick = rate(many, shape), rate(many, shape, precision="medium")
        half = rate(many, shape, dtype=torch.bfloat16)
        single, single_half = rate(few, shape), rate(few, shape, dtype=torch.bfloat16)
        print(f"{name}, GFLOP/s of its layers on {many} rows: float32 {plain / 1e9:.0f}, by oneDNN {quick / 1e9:.0f} "
              f"({quick / plain:.2f}), bfloat16 {half / 1e9:.0f}; on {few} rows: float32 {single / 1e9:.0f}, "
              f"bfloat16 {single_half / 1e9:.0f}")
        count = parameters(shape)
        adam = 7 * 4 * count / copy
        print(f"    {count / 1e6:.2f}M parameters; AdamW's 7 passes over them {1e3 * adam:.1f} ms")
        for case, work in cases(shape).items():
            update, decode = work.update / max(plain, quick), work.decode / single
            reading = work.written * 4 * count / copy
            total = update + decode + adam
            print(f"    {case:26} {(work.update + work.decode) / 1e9:6.1f} GFLOP; float32 {1e3 * total:6.0f} ms"
                  f" (update {1e3 * update:.0f}, decoding {1e3 * decode:.0f}, its weights read {1e3 * reading:.0f});"
                  f" bfloat16 {1e3 * (work.update / half + work.decode / single_half + adam):.0f} ms")


if __name__ == "__main__":
    main()
