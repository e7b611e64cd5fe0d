"""``--schema catalog.json``: collections, sizes, indexes and their uses, as ``advisor script mongodb`` writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from advisor.errors import SourceError
from advisor.model.catalog import Catalog, TableName
from connectors.mongo.catalog_documents import catalog_of
from connectors.mongo.catalog_script import HOW
from connectors.mongo.logs.looking import opened


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
