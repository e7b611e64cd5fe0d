"""Collections, indexes, sizes and uses of a live server -> Catalog. What fails is told, the rest goes on."""

from __future__ import annotations

from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from advisor.errors import AdvisorError, PermissionMissing
from advisor.model.capture import Coverage
from advisor.model.catalog import Catalog, TableName
from advisor.ports import Progress, Step, silent
from connectors.mongo.catalog_documents import catalog_of
from connectors.mongo.fields import SAMPLE, columns_of
from connectors.mongo.session import APPLICATION, MAX_TIME_MS, Session

MAX_COLLECTIONS = 2_000


async def read_catalog(
    session: Session, members: tuple[str, ...] = (), progress: Progress = silent
) -> tuple[Catalog, tuple[Coverage, ...]]:
    """(catalog, what could not be read). ``members``: the replica set's other hosts, asked for their own index uses."""
    found: dict[TableName, dict[str, Any]] = {}
    told: list[Coverage] = []
    views = 0
    for database in await session.databases():
        try:
            collections = await _collections(session, database, told)
        except AdvisorError as error:
            told.append(_missing(f"collections of {database}", str(error), "read"))
            continue
        for number, info in enumerate(collections[:MAX_COLLECTIONS]):
            progress(Step("Reading collections", number, len(collections), "collections"))
            name = TableName(database, info["name"])
            if info.get("type") == "view":
                views += 1
                found[name] = {"options": info.get("options") or {}, "type": "view"}
                continue
            found[name] = await _collection(session, name, info, told)
    uses = await _members(session, members, found, told)
    if views:
        told.append(
            Coverage("views", True, f"{views} views have no indexes of their own; their collections have.", count=views)
        )
    told.append(Coverage("catalog", True, f"{len(found):,} collections were read.", count=len(found)))
    if uses:
        told.append(Coverage("index uses", True, f"Counted on {uses + 1} members.", count=uses + 1))
    return catalog_of(found), tuple(dict.fromkeys(told))


async def _collections(session: Session, database: str, told: list[Coverage]) -> list[dict[str, Any]]:
    """The database's collections; by name alone where this user may not see their options."""
    asked: dict[str, Any] = {"authorizedCollections": True, "cursor": {"batchSize": MAX_COLLECTIONS}}
    try:
        answer = await session.command(database, "listCollections", nameOnly=False, **asked)
    except PermissionMissing as error:
        answer = await session.command(database, "listCollections", nameOnly=True, **asked)
        told.append(_missing(f"options of the collections of {database}", str(error), "read"))
    found = [info for info in answer["cursor"]["firstBatch"] if not info["name"].startswith("system.")]
    return sorted(found, key=lambda info: str(info["name"]))


async def _collection(session: Session, name: TableName, info: dict[str, Any], told: list[Coverage]) -> dict[str, Any]:
    found: dict[str, Any] = {"options": info.get("options") or {}, "type": info.get("type", "collection")}
    if "timeseries" in found["options"]:
        told.append(Coverage("time series", False, f"{name} is a time-series collection: no index advice is given."))
        return found
    try:
        answer = await session.command(name.schema, "listIndexes", name.name, cursor={"batchSize": 100})
        found["indexes"] = answer["cursor"]["firstBatch"]
    except AdvisorError as error:
        told.append(_missing("indexes", str(error), "read"))
    try:
        stats = await session.aggregate(
            name.schema, name.name, {"$collStats": {"storageStats": {}, "latencyStats": {}, "count": {}}}
        )
        found["stats"] = stats[0] if stats else {}
    except AdvisorError:
        found["stats"] = await _old_stats(session, name, told)
    try:
        found["index_stats"] = await session.aggregate(name.schema, name.name, {"$indexStats": {}})
    except AdvisorError as error:
        told.append(_missing("index uses", str(error), "clusterMonitor"))
    found["fields"] = await _fields(session, name, found, told)
    return found


async def _old_stats(session: Session, name: TableName, told: list[Coverage]) -> dict[str, Any]:
    """Servers and stand-ins without $collStats' parts still answer the command."""
    try:
        return {"storageStats": await session.command(name.schema, "collStats", name.name)}
    except AdvisorError as error:
        told.append(_missing("sizes", str(error), "read"))
        return {}


async def _fields(session: Session, name: TableName, found: dict[str, Any], told: list[Coverage]) -> Any:
    if "encryptedFields" in found["options"]:
        told.append(
            Coverage("encrypted fields", False, f"{name} is encrypted in part: those fields were not looked at.")
        )
    storage = (found.get("stats") or {}).get("storageStats") or {}
    try:
        documents = await session.aggregate(name.schema, name.name, {"$sample": {"size": SAMPLE}}, size=SAMPLE)
    except AdvisorError as error:
        told.append(_missing("field types", str(error), "read"))
        return ()
    return columns_of(documents, float(storage.get("count", len(documents)) or 0))


async def _members(
    session: Session, members: tuple[str, ...], found: dict[TableName, dict[str, Any]], told: list[Coverage]
) -> int:
    """Add the index uses that other members counted; returns how many members answered."""
    answered = 0
    for host in members:
        client: AsyncMongoClient[dict[str, Any]] | None = None
        try:
            client = _beside(session, host)
            for name, documents in found.items():
                if documents.get("index_stats") is None:
                    continue
                cursor = await client[name.schema][name.name].aggregate([{"$indexStats": {}}], maxTimeMS=MAX_TIME_MS)
                documents["index_stats"] = [*documents["index_stats"], *await cursor.to_list()]
            answered += 1
        except PyMongoError:
            told.append(
                Coverage("index uses", False, f"Member {host} could not be asked: an index may be used there alone.")
            )
        finally:
            if client is not None:
                await client.close()
    return answered


def _beside(session: Session, host: str) -> AsyncMongoClient[dict[str, Any]]:
    options = session.client.options
    credentials = options._options.get("username"), options._options.get("password")
    known: dict[str, Any] = {
        key: options._options[key]
        for key in ("tls", "tlscafile", "authsource", "authmechanism")
        if key in options._options
    }
    return AsyncMongoClient(
        host, directConnection=True, appname=APPLICATION, serverSelectionTimeoutMS=3_000, username=credentials[0],
        password=credentials[1], readPreference="secondaryPreferred", **known,
    )  # fmt: skip


def _missing(subject: str, why: str, role: str) -> Coverage:
    grant = f'db.getSiblingDB("admin").grantRolesToUser("USER", ["{role}"])'
    return Coverage(subject, False, why, grant)
