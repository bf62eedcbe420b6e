"""How a model reads rows: tokens with the loss mask for the page, token counts of a split for its histogram.

A request names a model and rows; what comes back is what training would see, made by the same code.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pydantic import Field

from workers.contract.document import Document
from workers.contract.records import Record, RecordKind
from workers.contract.run_spec import DatasetRef
from workers.engine.data.rendering import (
    Rendered,
    prompt_ids,
    render_conversation,
    render_demonstration,
    render_text,
    segments,
    whole_text,
)
from workers.engine.data.rows import Rows
from workers.engine.faults import DataFault
from workers.engine.modeling.loading import load_tokenizer

BINS = 40
BATCH = 512
"""Rows tokenized at once: the tokenizer takes them on all cores."""
LENGTHS = (128, 256, 512, 1024, 2048, 4096, 8192)
"""Maximum lengths for which the truncated share is told."""


class RenderRequest(Document):
    """`records` are canonical rows of `kind`; `max_length` marks where truncation would cut."""

    model_path: str
    kind: RecordKind
    records: list[Record]
    max_length: int | None = Field(default=None, ge=1)


class LengthsRequest(Document):
    """The split's canonical rows are counted as the model at `model_path` reads them."""

    model_path: str
    kind: RecordKind
    data_path: str
    split: str = "train"


def render(request: dict[str, Any]) -> dict[str, Any]:
    """{rows: [{tokens, cut_at, segments: [{text, trained, role}]}]}; cut_at None: nothing is cut. Raises Fault."""
    asked = RenderRequest.model_validate(request)
    tokenizer = load_tokenizer(asked.model_path)
    return {"rows": [_row(tokenizer, asked, record) for record in asked.records]}


def lengths(request: dict[str, Any]) -> dict[str, Any]:
    """{rows, tokens_total, histogram: {edges, counts}, quantiles, truncated: [{length, fraction}]}. Raises Fault."""
    asked = LengthsRequest.model_validate(request)
    tokenizer = load_tokenizer(asked.model_path)
    rows = Rows(DatasetRef(path=asked.data_path, split=asked.split, kind=asked.kind))
    counts = sorted(token_counts(tokenizer, rows))
    return {
        "rows": len(counts), "tokens_total": sum(counts), "histogram": _histogram(counts),
        "quantiles": {name: counts[min(len(counts) - 1, int(share * len(counts)))]
                      for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))},
        "truncated": [{"length": limit, "fraction": sum(count > limit for count in counts) / len(counts)} for limit in LENGTHS],
    }


def token_counts(tokenizer: Any, records: Iterable[Record]) -> Iterator[int]:
    """Tokens of each record's longest sequence, as `read` makes them; most are tokenized many at once."""
    rest = iter(records)
    while batch := list(islice(rest, BATCH)):
        texts = [whole_text(tokenizer, record) for record in batch]
        whole = [text for text in texts if text is not None]
        ids = iter(tokenizer(whole, add_special_tokens=False)["input_ids"] if whole else ())
        for record, text in zip(batch, texts, strict=True):
            yield len(next(ids)) if text is not None else max(len(one.ids) for one in read(tokenizer, record))


def read(tokenizer: Any, record: Record) -> list[Rendered]:
    """A record of any kind as token sequences: what is trained is masked in; sides of a pair, candidates and steps follow
    the prompt, one sequence each; a prompt alone has nothing trained.
    """
    if record.text is not None:
        return [render_text(tokenizer, record.text)]
    if record.messages is not None:
        return render_conversation(tokenizer, record.messages, tools=record.tools)
    prompt = record.prompt if record.prompt is not None else ""
    answers = [answer for answer in (record.completion, record.chosen, record.rejected, *(record.completions or [])) if answer]
    if not answers:
        ids = prompt_ids(tokenizer, prompt, record.tools)
        return [Rendered(ids, [False] * len(ids))]
    found = [render_demonstration(tokenizer, Record(prompt=prompt, completion=answer, tools=record.tools)) for answer in answers]
    return [one for sequences in found for one in sequences]


def _row(tokenizer: Any, asked: RenderRequest, record: Record) -> dict[str, Any]:
    sequences = read(tokenizer, record)
    tokens = max((len(one.ids) for one in sequences), default=0)
    if not sequences:
        raise DataFault("A row has nothing to show.", "Check the mapping of its columns.")
    cut = asked.max_length if asked.max_length is not None and tokens > asked.max_length else None
    return {"tokens": tokens, "cut_at": cut, "segments": [part for one in sequences for part in segments(tokenizer, one)]}


def _histogram(counts: list[int]) -> dict[str, list[float]]:
    """At most `BINS` bins of equal width from 0 to the longest; edges are one more than counts."""
    width = max(1, -(-(counts[-1] + 1) // BINS))
    bins = counts[-1] // width + 1
    found = [0.0] * bins
    for count in counts:
        found[count // width] += 1
    return {"edges": [float(index * width) for index in range(bins + 1)], "counts": found}
