"""Text similarity: OpenAI's grader of that name, from 0 to 1.

fuzzy_match: rapidfuzz's ratio (Indel similarity of the characters) / 100. bleu: sacrebleu's sentence BLEU / 100, with its
exponential smoothing and effective order. gleu: the lesser of precision and recall over all 1- to 4-grams of words
(Wu et al. 2016, arXiv 1609.08144). rouge_1 … rouge_5: F1 of n-grams, rouge_l: F1 of the longest common subsequence of
words (Lin 2004), in small letters and without stemming. Two texts without a word have nothing in common: 0.
"""

import re
from collections import Counter
from collections.abc import Sequence

from pydantic import Field
from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq
from sacrebleu.metrics.bleu import BLEU

from workers.contract.graders import Metric
from workers.contract.templates import Template
from workers.engine.rewards import Card, TermParams
from workers.engine.rewards._templates import comparing, template_field

WORD = re.compile(r"[^\W_]+")
LONGEST = 20_000
"""Characters of either text that are compared: the cost of a common subsequence grows with their product."""
SENTENCE_BLEU = BLEU(effective_order=True)


class Params(TermParams):
    metric: Metric = Field(default="fuzzy_match", title="Measure", description=(
        "fuzzy_match: by characters. bleu, gleu: n-grams of words. rouge_1 to rouge_5: n-grams, F1. rouge_l: the longest common "
        "subsequence, F1."))
    input: Template = template_field("{{ sample.output_text }}", "Input", (
        "What is compared; {{ sample.output_text }} is the answer, {{ item.column }} a column of its row."))
    reference: Template = template_field("{{ item.answer }}", "Reference", "What it is compared with, written in the same way.")


CARD = Card("Text similarity", "How alike the answer and the reference are, by characters or by words.", (), "0 to 1")


def compare(params: Params, given: str, wanted: str) -> float:
    return similarity(params.metric, given[:LONGEST], wanted[:LONGEST])


reward = comparing(compare)


def similarity(metric: Metric, given: str, wanted: str) -> float:
    """In [0, 1]; see the module for each measure."""
    match metric:
        case "fuzzy_match":
            return fuzz.ratio(given, wanted) / 100
        case "bleu":
            return float(min(1.0, SENTENCE_BLEU.sentence_score(given, [wanted]).score / 100))
        case "gleu":
            return gleu(given.split(), wanted.split())
        case "rouge_l":
            return rouge_l(words(given), words(wanted))
        case _:
            return rouge_n(words(given), words(wanted), int(metric.removeprefix("rouge_")))


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def n_grams(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[start: start + n]) for start in range(len(tokens) - n + 1))


def gleu(given: Sequence[str], wanted: Sequence[str]) -> float:
    """min(precision, recall) of all 1- to 4-grams together."""
    first, second = (Counter[tuple[str, ...]](), Counter[tuple[str, ...]]())
    for n in range(1, 5):
        first += n_grams(given, n)
        second += n_grams(wanted, n)
    longest = max(first.total(), second.total())
    return (first & second).total() / longest if longest else 0.0


def rouge_n(given: Sequence[str], wanted: Sequence[str], n: int) -> float:
    first, second = n_grams(given, n), n_grams(wanted, n)
    return _f1((first & second).total(), first.total(), second.total())


def rouge_l(given: Sequence[str], wanted: Sequence[str]) -> float:
    return _f1(LCSseq.similarity(given, wanted), len(given), len(wanted))


def _f1(common: int, given: int, wanted: int) -> float:
    """2PR/(P + R) with P = common/given and R = common/wanted."""
    return 2 * common / (given + wanted) if common else 0.0
