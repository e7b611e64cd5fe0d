"""A canonical text with its marks -> a command that a server can explain, with values of a sample's documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from advisor.model.catalog import TableName
from connectors.mongo.values import Document, Filler, Unfillable, expression

PAGE = 20
"""Stands for a limit or skip whose number was not kept: a page of a list."""

Place = Callable[[TableName], str]


def command_of(
    text: str, documents: Callable[[TableName], Sequence[Document]], place: Place, seed: int = 0
) -> Document:
    """The command to explain: writes as the find that they begin with, collections under the names of ``place``.

    ``documents`` of a collection give the values; another ``seed`` takes others. Raises :class:`Unfillable` where none
    can be made.
    """
    asked = json.loads(text)
    name, collection = next(iter(asked.items()))
    table = TableName(str(asked.get("$db", "")), str(collection))
    filler = Filler(documents(table), seed)
    kept = {key: asked[key] for key in ("sort", "hint", "collation") if key in asked}
    if name == "aggregate":
        stages = [_stage(filler, stage, table.schema, place) for stage in asked.get("pipeline", ())]
        stages = [stage for stage in stages if not {"$out", "$merge"} & set(stage)]
        return {"aggregate": place(table), "pipeline": stages, "cursor": {}, **kept}
    condition = filler.predicate(asked.get("filter") or {})
    if name in ("count", "distinct"):
        key = {"key": asked["key"]} if name == "distinct" else _pages(asked)
        return {name: place(table), **key, "query": condition, **{k: v for k, v in kept.items() if k != "sort"}}
    if name == "findAndModify":
        return {"find": place(table), "filter": condition, "limit": 1, **kept}
    if name in ("update", "delete"):
        return {"find": place(table), "filter": condition, **kept}
    projected = {"projection": expression(asked["projection"])} if "projection" in asked else {}
    return {"find": place(table), "filter": condition, **projected, **_pages(asked), **kept}


def _pages(asked: Document) -> dict[str, Any]:
    return {key: _page(asked[key]) for key in ("limit", "skip") if key in asked}


def _page(value: Any) -> int:
    return value if isinstance(value, int) else PAGE


def _stage(filler: Filler, stage: Document, database: str, place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in stage.items():
        if key == "$match":
            found[key] = filler.predicate(value)
        elif key in ("$limit", "$skip"):
            found[key] = _page(value)
        elif key == "$sample":
            found[key] = {"size": PAGE}
        elif key == "$facet":
            found[key] = {
                name: [_stage(filler, part, database, place) for part in parts] for name, parts in value.items()
            }
        elif key in ("$lookup", "$graphLookup", "$unionWith") and isinstance(value, Mapping):
            found[key] = _join(filler, value, database, place)
        elif key == "$geoNear":
            raise Unfillable("no value can be made for $geoNear")
        else:
            found[key] = value if key == "$sort" else expression(value)
    return found


def _join(filler: Filler, value: Document, database: str, place: Place) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, part in value.items():
        if key in ("from", "coll") and isinstance(part, str):
            found[key] = place(TableName(database, part))
        elif key == "pipeline":
            found[key] = [_stage(filler, stage, database, place) for stage in part]
        else:
            found[key] = expression(part)
    return found


def tables_of(text: str) -> list[TableName]:
    """The collections that a canonical text reads, joined ones too. Raises :class:`Unfillable` if it reads none."""
    asked = json.loads(text)
    if next(iter(asked)) in ("insert", "other"):
        raise Unfillable("it reads nothing")
    database, name = str(asked.get("$db", "")), str(next(iter(asked.values())))
    return [TableName(database, found) for found in dict.fromkeys([name, *_joined(asked.get("pipeline"))])]


def _joined(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _joined(part)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key in ("$lookup", "$graphLookup", "$unionWith") and isinstance(inner, Mapping):
                yield from (inner[name] for name in ("from", "coll") if isinstance(inner.get(name), str))
            yield from _joined(inner)
