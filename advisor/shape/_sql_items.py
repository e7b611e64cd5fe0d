"""Lists in a statement's tokens: how long one is, and which items of GROUP BY and ORDER BY repeat earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from advisor.shape._sql_tokens import Kind, Token, closing, words

ITEM_ENDS = words("having order limit offset fetch for union except intersect window returning rows range")
"""Words that end the items of GROUP BY and ORDER BY."""


def longest_list(items: Sequence[Token]) -> int:
    """The number of values in the longest list after IN or ARRAY; 0 without one. Rows of an IN list count as one."""
    longest = 0
    for place in range(1, len(items)):
        if items[place].text in ("(", "[") and items[place - 1].text in ("in", "array"):
            inside = items[place + 1 : closing(items, place)]
            if inside and (inside[0].is_value or inside[0].text in "-("):
                depths = [{"(": 1, ")": -1}.get(item.text, 0) for item in inside]
                commas = sum(
                    item.text == "," and depth == 0 for item, depth in zip(inside, accumulate(depths), strict=True)
                )
                longest = max(longest, commas + 1)
    return longest


def shared_values(items: Sequence[Token]) -> dict[int, int]:
    """Values of a GROUP BY or ORDER BY item -> the same item's values earlier in the statement.

    ``SELECT date_trunc($0, t) … GROUP BY date_trunc($0, t)`` is only valid when both are one parameter.
    """
    shared: dict[int, int] = {}
    forms = [("?" if item.is_value else item.text if item.kind is Kind.WORD else item.raw) for item in items]
    for place in range(1, len(items)):
        if items[place].text != "by" or items[place - 1].text not in ("group", "order"):
            continue
        for start, end in _items_after(items, place + 1):
            length = end - start
            if length < 2 or "?" not in forms[start:end]:
                continue
            earlier = next((at for at in range(place - length) if forms[at : at + length] == forms[start:end]), None)
            if earlier is not None:
                shared.update(
                    (start + at, shared.get(earlier + at, earlier + at))
                    for at in range(length)
                    if items[start + at].is_value
                )
    return shared


def _items_after(items: Sequence[Token], start: int) -> list[tuple[int, int]]:
    """The token ranges of a GROUP BY's or ORDER BY's items, directions left out."""
    ranges: list[tuple[int, int]] = []
    place = begin = start
    while place < len(items):
        text = items[place].text
        if text in "([" and items[place].kind is Kind.PUNCTUATION:
            place = closing(items, place)
        elif text in (",", ")", ";", "asc", "desc", "nulls") or text in ITEM_ENDS:
            if place > begin:
                ranges.append((begin, place))
            while place < len(items) and items[place].text in ("asc", "desc", "nulls", "first", "last"):
                place += 1
            if place >= len(items) or items[place].text != ",":
                return ranges
            begin = place + 1
        place += 1
    if begin < len(items):
        ranges.append((begin, len(items)))
    return ranges
