"""MongoDB commands -> QueryShape. The input is canonical JSON with marks for values (``connectors.mongo.commands``).

A predicate is what an index can be asked for: conditions under ``$and`` are conjuncts, arms of an ``$or`` are branches,
``$elemMatch`` speaks of dotted paths. In an aggregation only what the server moves in front counts: ``$match`` and
``$sort`` before the first stage that makes other documents (manual, "Aggregation Pipeline Optimization").
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.model.catalog import Catalog, TableName
from advisor.model.shape import QueryBlock, QueryShape, SortKey
from advisor.shape._mql_filters import predicates
from advisor.shape._mql_pipeline import pipeline_blocks

WRITES = frozenset({"insert", "update", "delete", "findAndModify"})
_FEW = re.compile(r'\["(\?\w*)","\1"\]')
_BATCH = re.compile(r',"batch":true(?=\})')


def fingerprint(text: str) -> str:
    """16 hex digits; a list of one value and of several are one shape, one too long to be merged in order is not."""
    plain = _BATCH.sub("", _FEW.sub(r'["\1"]', text))
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def shape_of(text: str, catalog: Catalog | None = None) -> QueryShape:
    """Return the shape of a command's canonical text; ``unparsed`` says why when it is none."""
    try:
        command = json.loads(text)
        name, collection = next(iter(command.items()))
    except (ValueError, StopIteration, AttributeError):
        return QueryShape(fingerprint(text), text, "", unparsed="it is no command in JSON", sample=text)
    if not isinstance(collection, str):
        return QueryShape(fingerprint(text), text, name, unparsed="it names no collection", sample=text)
    table = TableName(str(command.get("$db", "")), collection)
    blocks = _blocks(name, command, table)
    tables = tuple(dict.fromkeys(found for block in blocks for found in block.tables))
    written = table if name in WRITES else None
    return QueryShape(
        fingerprint=fingerprint(text),
        text=text,
        command=name,
        tables=tables,
        blocks=blocks,
        parameters=text.count('"?'),
        written=written,
        assigned=_assigned(command.get("u")),
        sample=text,
    )


def _blocks(name: str, command: Mapping[str, Any], table: TableName) -> tuple[QueryBlock, ...]:
    if name == "insert":
        return (QueryBlock((table,)),)
    pipeline = command.get("pipeline")
    if isinstance(pipeline, Sequence):
        return pipeline_blocks(pipeline, table)
    condition = predicates(command.get("filter", {}), table)
    asked = tuple(dict.fromkeys(p.column for p in condition if p.column))
    single = (name == "update" and not command.get("multi")) or name == "findAndModify"
    key = command.get("key", "")
    return (
        QueryBlock(
            (table,),
            predicates=condition,
            sort=sort_keys(command.get("sort"), table),
            group=(SortKey(table, key),) if name == "distinct" and key else (),
            limited="limit" in command or single,
            offset="skip" in command,
            distinct=name == "distinct",
            aggregated=name == "count",
            read=((table, _read(name, command, asked, key)),),
        ),
    )


def sort_keys(sort: Any, table: TableName) -> tuple[SortKey, ...]:
    """A sort specification's keys; empty when it sorts by something computed (text score) or by ``$natural``."""
    if not isinstance(sort, Mapping) or any(key.startswith("$") for key in sort):
        return ()
    if not all(isinstance(way, int | float) for way in sort.values()):
        return ()
    return tuple(SortKey(table, key, descending=way < 0) for key, way in sort.items())


def _read(name: str, command: Mapping[str, Any], asked: Sequence[str], key: str) -> tuple[str, ...]:
    """The fields that the answer needs; ``*`` for whole documents."""
    if name == "count":
        return tuple(asked)
    if name == "distinct":
        return tuple(dict.fromkeys((*asked, key)))
    projection = command.get("projection")
    if name != "find" or not isinstance(projection, Mapping):
        return ("*",)
    included = [field for field, way in projection.items() if way in (1, True) and field != "_id"]
    if not included or any(way not in (0, 1, True, False) for way in projection.values()):
        return ("*",)
    identity = [] if projection.get("_id", 1) in (0, False) else ["_id"]
    return tuple(dict.fromkeys((*included, *identity, *asked)))


def _assigned(change: Any) -> tuple[str, ...]:
    if not isinstance(change, Mapping):
        return ()
    return tuple(sorted({field for fields in change.values() if isinstance(fields, list) for field in fields}))
