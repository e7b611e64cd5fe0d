"""``--schema catalog.json``: collections, sizes, indexes and their uses, as the script below writes them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from advisor.errors import SourceError
from advisor.model.catalog import Catalog, TableName
from connectors.mongo.catalog_documents import catalog_of
from connectors.mongo.logs.looking import opened

SCRIPT = """\
const out = {server: {version: db.version()}, database: db.getName(), collections: {}};
for (const c of db.getCollectionInfos({type: {$ne: "view"}})) {
  if (c.name.startsWith("system.")) continue;
  const own = {options: c.options, type: c.type, indexes: db[c.name].getIndexes(), index_stats: [], stats: {}};
  const stats = [{$collStats: {storageStats: {}, latencyStats: {}}}];
  try { own.stats = db[c.name].aggregate(stats).toArray()[0] } catch (e) {}
  try { own.index_stats = db[c.name].aggregate([{$indexStats: {}}]).toArray() } catch (e) {}
  out.collections[c.name] = own;
}
print(EJSON.stringify(out, null, 1));
"""
"""A script for mongosh; it only reads, and needs the roles read and clusterMonitor."""
HOW = "python -m connectors.mongo.catalog_file > catalog.js; mongosh --quiet URL catalog.js > catalog.json"


def read_catalog_file(path: Path) -> tuple[Catalog, str]:
    """(catalog, server version) of a catalog file.

    Raises :class:`SourceError` when it cannot be read or is none.
    """
    try:
        with opened(path) as stream:
            document = json.loads(stream.read())
        collections = document["collections"]
        named = {_name(document, key, value): value for key, value in collections.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{path} is no catalog of MongoDB ({error}); write one with: {HOW}.") from error
    version = str((document.get("server") or {}).get("version", ""))
    return catalog_of(named), version


def _name(document: dict[str, Any], key: str, value: dict[str, Any]) -> TableName:
    """The namespace stands in $collStats' answer; else the file's database and the collection's key."""
    ns = str((value.get("stats") or {}).get("ns") or "")
    if "." in ns:
        database, _, collection = ns.partition(".")
        return TableName(database, collection)
    return TableName(str(document.get("database", "")), key)


if __name__ == "__main__":
    sys.stdout.write(SCRIPT)
