"""Numbers as people and models write them in running text: signs, thousands, decimals, money, percent, fractions."""

import re
from decimal import Decimal, DecimalException, localcontext

# Possessive and linear: no part can give back what another could take. A minus is a sign only where no digit, letter or
# closing bracket stands before it, so that "10-3" ends in 3 and "(-3)" in −3. Digits are bounded so that no text is slow.
NUMBER = re.compile(
    r"(?P<sign>(?<![0-9A-Za-z)\]}])[-+−–]\s?)?"
    r"(?:[$€£¥]\s?(?P<inner>[-−](?=[0-9.]))?)?"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)?"
    r"(?P<fraction>\.[0-9]+)?"
    r"(?P<exponent>[eE][-+]?[0-9]{1,3}(?![0-9A-Za-z]))?"
    r"(?:\s?/\s?(?P<denominator>[0-9]+(?:\.[0-9]+)?))?"
    r"(?P<percent>\s?%)?"
)
MARKER = "####"
DIGITS = 100
"""Longer digit strings are no answers; they are cut here so that arithmetic stays cheap."""


def _value(match: re.Match[str]) -> Decimal | None:
    whole, fraction = (match["whole"] or "").replace(",", ""), match["fraction"] or ""
    if not whole and not fraction:
        return None
    with localcontext() as context:
        context.prec = DIGITS
        value = Decimal((whole[:DIGITS] or "0") + fraction[:DIGITS] + (match["exponent"] or ""))
        if match["denominator"]:
            divisor = Decimal(match["denominator"][:DIGITS])
            if divisor == 0:
                return None
            value /= divisor
    negative = ((match["sign"] or "").strip() in ("-", "−", "–")) != bool(match["inner"])
    return -value if negative else value


def numbers(text: str, *, percent_as_fraction: bool = False) -> list[Decimal]:
    """Every number of `text` in order. "50%" is 50, or 0.5 with `percent_as_fraction`; "1/2" is 0.5; "−$1,200.50" is −1200.5."""
    found = []
    for match in NUMBER.finditer(text):
        value = _value(match)
        if value is not None:
            found.append(value / 100 if percent_as_fraction and match["percent"] else value)
    return found


def boxed(text: str) -> str | None:
    """What stands in the last `\\boxed{…}` whose braces close, or None."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for position in range(start + 6, len(text)):
        depth += (text[position] == "{") - (text[position] == "}")
        if depth == 0:
            return text[start + 7:position]
    return None


def final_number(text: str, *, percent_as_fraction: bool = False, marker_only: bool = False) -> Decimal | None:
    """The number a text ends up with: after its last `####`, else in its last box, else its last number.

    With `marker_only` only the first way counts. None where there is no number.
    """
    if MARKER in text:
        after = numbers(text.rsplit(MARKER, 1)[1], percent_as_fraction=percent_as_fraction)
        return after[0] if after else None
    if marker_only:
        return None
    found = numbers(boxed(text) or "", percent_as_fraction=percent_as_fraction) or numbers(
        text, percent_as_fraction=percent_as_fraction)
    return found[-1] if found else None


def close(value: Decimal, other: Decimal, tolerance: float) -> bool:
    """|value − other| ≤ tolerance · max(1, |other|); exact at tolerance 0."""
    with localcontext() as context:
        context.prec = 2 * DIGITS
        try:
            return abs(value - other) <= Decimal(repr(tolerance)) * max(Decimal(1), abs(other))
        except DecimalException:
            return False
