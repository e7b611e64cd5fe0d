"""A bounded sample of a collection, with its real indexes, from the inspected server into a sandbox.

Documents go from one server to the other as they are, in memory; the inspected one is only read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError

from advisor.errors import AdvisorError
from advisor.model.catalog import TableName
from connectors.mongo.session import APPLICATION, MAX_TIME_MS, Session, translated

DOCUMENTS = 20_000
"""Documents taken of a collection: a scan of so many is told apart from an index scan at once."""
BYTES = 64 << 20
"""Bytes taken of a collection at most, by the average size of its documents."""
BATCH = 1_000
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

_OF_THE_SERVER = ("v", "ns", "background", "prepareUnique", "clustered")
# A TTL index must not delete the sample; the planner does not look at the time.
_LEFT_OUT = (*_OF_THE_SERVER, "expireAfterSeconds")


@dataclass(frozen=True, slots=True)
class Sample:
    """What was copied: ``documents`` of ``total``, and the indexes that the sandbox refused."""

    documents: int
    total: int
    refused: tuple[str, ...] = ()


async def copy(source: Session, table: TableName, target: AsyncDatabase[dict[str, Any]], name: str) -> Sample:
    """Copy a sample of ``table`` into ``target``'s collection ``name``, which must not exist.

    Raises :class:`AdvisorError` for a view, a time-series collection, and what either server refuses.
    """
    info = await _info(source, table)
    options = info.get("options") or {}
    if info.get("type") == "view" or "timeseries" in options:
        raise AdvisorError(f"{table} is a {info.get('type')}, which has no indexes of its own to try.")
    indexes = (await source.command(table.schema, "listIndexes", table.name, cursor={"batchSize": 100}))["cursor"]
    stats = await source.command(table.schema, "collStats", table.name)
    total, average = int(stats.get("count", 0)), float(stats.get("avgObjSize") or 1)
    most = max(1, min(DOCUMENTS, int(BYTES / max(average, 1.0))))
    made = {key: _anywhere(key, options[key]) for key in ("collation", "clusteredIndex") if key in options}
    try:
        await target.create_collection(name, **made)
        copied = await _documents(source, table, target, name, most, total)
    except PyMongoError as error:
        raise translated(error) from error
    refused = [why for index in indexes["firstBatch"] if (why := await _index(target, name, index))]
    return Sample(copied, max(total, copied), tuple(refused))


async def _info(source: Session, table: TableName) -> dict[str, Any]:
    answer = await source.command(table.schema, "listCollections", filter={"name": table.name}, cursor={})
    found = answer["cursor"]["firstBatch"]
    if not found:
        raise AdvisorError(f"{table} is not there any more.")
    info: dict[str, Any] = found[0]
    return info


async def _documents(
    source: Session, table: TableName, target: AsyncDatabase[dict[str, Any]], name: str, most: int, total: int
) -> int:
    wanted: list[dict[str, Any]] = [{"$sample": {"size": most}}] if total > most else [{"$limit": most}]
    raw = source.of(table.schema).get_collection(table.name, codec_options=RAW)
    place = target.get_collection(name, codec_options=RAW)
    count = 0
    batch: list[Mapping[str, Any]] = []
    async with await raw.aggregate(wanted, batchSize=BATCH, maxTimeMS=MAX_TIME_MS, comment=APPLICATION) as cursor:
        async for document in cursor:
            batch.append(document)
            if len(batch) == BATCH:
                count += await _insert(place, batch)
                batch = []
    return count + (await _insert(place, batch) if batch else 0)


async def _insert(place: Any, batch: list[Mapping[str, Any]]) -> int:
    # $sample may give a document twice when the collection changes under it: the second is no loss.
    try:
        await place.insert_many(batch, ordered=False, bypass_document_validation=True)
    except OperationFailure as error:
        written = (error.details or {}).get("nInserted")
        if written is None:
            raise
        return int(written)
    return len(batch)


async def _index(target: AsyncDatabase[dict[str, Any]], name: str, document: Mapping[str, Any]) -> str:
    """Build one of the collection's own indexes; the reason when the sandbox refuses it."""
    if document["name"] == "_id_" or document.get("clustered"):
        return ""
    try:
        await target.command("createIndexes", name, indexes=[specification(document)])
    except PyMongoError as error:
        return f"{document['name']}: {translated(error)}"
    return ""


def specification(document: Mapping[str, Any]) -> dict[str, Any]:
    """What createIndexes takes for an index that ``listIndexes`` tells of; a text index's fields come back as keys.

    >>> specification({"v": 2, "key": {"_fts": "text", "_ftsx": 1}, "name": "t", "weights": {"title": 1}})["key"]
    {'title': 'text'}
    """
    key: dict[str, Any] = {}
    for field, way in document["key"].items():
        if field == "_fts":
            key |= dict.fromkeys(document.get("weights") or {}, "text")
        elif field != "_ftsx":
            key[field] = way
    rest = {name: _anywhere(name, value) for name, value in document.items() if name not in ("key", *_LEFT_OUT)}
    return {"key": key, **rest}


def _anywhere(name: str, value: Any) -> Any:
    """An option as another server takes it: a collation names the version of the library that it was made with."""
    return {key: part for key, part in value.items() if key != "version"} if name == "collation" else value
