"""EXPLAIN (FORMAT JSON | YAML | XML) as mappings with the names of the JSON form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from advisor.errors import SourceError

CUT = "The plan is cut off or damaged ({words}); paste the whole output of EXPLAIN."

_OPENING = re.compile(r"^\s*[\[{]", re.MULTILINE)
_YAML_LINE = re.compile(
    r"(?P<indent> *)(?P<item>- +)?(?:(?P<key>[A-Za-z][\w/. -]*):(?: +(?P<value>.*))?|(?P<scalar>.+))\Z"
)
_YAML_NODE = re.compile(r"^ *(?:- +)?(?:Plan:|Node Type:)", re.MULTILINE)
_XML_ROOT = re.compile(r"<explain\b.*?</explain>|<Plan>.*</Plan>", re.DOTALL)
# XML names take neither blanks nor strokes; these lose a hyphen of their own on the way back.
_XML_NAMES = {"One Time Filter": "One-Time Filter", "Full sort Groups": "Full-sort Groups"}


def read_json(text: str) -> Iterator[Mapping[str, Any]]:
    """Every JSON document with a plan in ``text``; what stands before and between them is passed over.

    Raises :class:`SourceError` when a document is cut off.
    """
    decoder = json.JSONDecoder(strict=False)
    position = 0
    while opening := _OPENING.search(text, position):
        try:
            value, position = decoder.raw_decode(text, opening.end() - 1)
        except ValueError as error:
            raise SourceError(CUT.format(words=str(error).split(":")[0])) from error
        yield from _plans(value)


def _plans(value: Any) -> Iterator[Mapping[str, Any]]:
    """The plans in a document, which a driver may have wrapped as rows with a column ``QUERY PLAN``."""
    for document in value if isinstance(value, list) else [value]:
        if isinstance(document, Mapping) and ("Plan" in document or "Node Type" in document):
            yield document
        elif isinstance(document, Mapping) and isinstance(document.get("QUERY PLAN"), list):
            yield from _plans(document["QUERY PLAN"])


def read_xml(text: str) -> Iterator[Mapping[str, Any]]:
    """Every plan in the XML form. Entities are refused: EXPLAIN writes none but the predefined."""
    if "<!" in text:
        raise SourceError("The XML has declarations that EXPLAIN never writes; paste EXPLAIN's own output.")
    found = _XML_ROOT.findall(text)
    if not found:
        raise SourceError(CUT.format(words="the XML has no end"))
    for fragment in found:
        try:
            root = ElementTree.fromstring(fragment)  # noqa: S314 - declarations were refused above
        except ElementTree.ParseError as error:
            raise SourceError(CUT.format(words=str(error))) from error
        if _tag(root) == "Plan":
            yield _element(root)
        for query in root:
            if _tag(query) == "Query":
                yield _element(query)


def _tag(element: ElementTree.Element) -> str:
    name = element.tag.rpartition("}")[2].replace("-", " ")
    return _XML_NAMES.get(name, name)


def _element(element: ElementTree.Element) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for child in element:
        name = _tag(child)
        if len(child) == 0:
            made[name] = (child.text or "").strip()
        elif name in ("Plans", "Workers"):
            made[name] = [_element(item) for item in child]
        elif all(_tag(item) == "Item" for item in child):
            made[name] = [(item.text or "").strip() for item in child]
        else:
            made[name] = _element(child)
    return made


def read_yaml(text: str) -> Iterator[Mapping[str, Any]]:
    """Every plan in the YAML form: only the few forms of YAML that EXPLAIN writes are known.

    Raises :class:`SourceError` for anything else.
    """
    start = _YAML_NODE.search(text)
    root: list[Any] = []
    # Open containers with the column of their keys or items; one announced and not yet made is in `wanted`.
    stack: list[tuple[int, Any]] = [(-1, root)]
    wanted: tuple[Any, str] | None = None
    for line in text[start.start() if start else 0 :].split("\n"):
        if not line.strip():
            continue
        match = _YAML_LINE.match(line)
        assert match is not None  # `scalar` takes any line
        column = len(match["indent"])
        if wanted is not None and column > stack[-1][0]:
            container: Any = [] if match["item"] else {}
            wanted[0][wanted[1]] = container
            stack.append((column, container))
        wanted = None
        while stack[-1][0] > column or (match["item"] and isinstance(stack[-1][1], dict) and len(stack) > 1):
            stack.pop()
        wanted = _yaml_line(stack, match, column)
    for document in root or [{}]:
        if isinstance(document, Mapping) and ("Plan" in document or "Node Type" in document):
            yield document


def _yaml_line(stack: list[tuple[int, Any]], match: re.Match[str], column: int) -> tuple[Any, str] | None:
    """Add one line to the innermost container; returns where a nested container belongs, if one is announced."""
    target = stack[-1][1]
    if match["item"] or not isinstance(target, dict):
        if not isinstance(target, list):
            raise SourceError(CUT.format(words="the indentation of the YAML is lost"))
        if match["key"] is None:
            target.append(_yaml_value(match["scalar"]))
            return None
        target.append({})
        target = target[-1]
        stack.append((column + len(match["item"] or ""), target))
    if match["key"] is None:
        raise SourceError(CUT.format(words="a line of the YAML has no name"))
    value = match["value"]
    target[match["key"]] = None if value is None else _yaml_value(value)
    return (target, match["key"]) if value is None or not value.strip() else None


def _yaml_value(text: str) -> Any:
    text = text.strip()
    if text.startswith('"'):
        try:
            return json.loads(text, strict=False)
        except ValueError as error:
            raise SourceError(CUT.format(words="a text in the YAML has no end")) from error
    return {"true": True, "false": False}.get(text, text)
