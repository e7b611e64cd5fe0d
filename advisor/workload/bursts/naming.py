"""What the names of tables and columns say where no foreign key is declared: ``author_id``, ``vehicleId``.

Conventions of ORMs and of hand-written schemas (Rails guides, "Active Record Basics", section 2; Django's and
SQLAlchemy's documentation): a table is its entity in the singular or plural, perhaps behind an application's prefix; a
reference is the entity with a word for a key behind or before it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from advisor.model.catalog import Catalog, TableName

PRIMARY_KEY_NAMES = ("id", "_id", "uuid", "guid", "pk")
KEY_WORDS = frozenset(["id", "uuid", "guid", "pk", "fk", "key", "code", "no", "nr", "num", "number"])
"""Words that make an identifier of an entity, behind it (``account_no``) or before it (``fk_account``)."""

OBJECT_TYPES = frozenset(["content_type_id", "content_type", "object_type", "type_id"])
"""What says which table an ``object_id`` means (Django's contenttypes and its like)."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """A name's words in lower case, whatever parts them.

    >>> words("vehicleModel"), words("order_items"), words("URLPath")
    (('vehicle', 'model'), ('order', 'items'), ('url', 'path'))
    """
    return tuple(word.lower() for word in _WORD.findall(name))


def singular(name: str) -> str:
    """A word in the singular, by the English plurals that ORMs produce.

    >>> singular("categories"), singular("boxes"), singular("addresses"), singular("authors"), singular("news")
    ('category', 'box', 'address', 'author', 'news')
    """
    name = name.lower()
    if name.endswith("ies") and len(name) > 4:
        return name[:-3] + "y"
    if name.endswith(("sses", "xes", "ches", "shes", "zes")):
        return name[:-2]
    if name.endswith("s") and not name.endswith(("ss", "us", "is", "news")):
        return name[:-1]
    return name


@lru_cache(maxsize=65536)
def entity(column: str, key: str = "") -> str:
    """The entity that a column refers to, its words run together; empty if it names none.

    ``key`` is the referenced column where it is known: ``artist_uuid`` then names what ``uuid`` identifies.

    >>> entity("author_id"), entity("vehicleId"), entity("fk_account"), entity("branch_code", "code"), entity("title")
    ('author', 'vehicle', 'account', 'branch', '')
    """
    found, tail = words(column), words(key)
    if tail and len(found) > len(tail) and found[-len(tail) :] == tail:
        found = found[: -len(tail)]
    elif len(found) > 1 and found[-1] in KEY_WORDS:
        found = found[:-1]
    elif len(found) > 1 and found[0] in KEY_WORDS:
        found = found[1:]
    else:
        return ""
    return "".join((*found[:-1], singular(found[-1])))


@lru_cache(maxsize=65536)
def held_by(table: str) -> frozenset[str]:
    """The entities that a table may hold: its name in the singular, or what follows an application's prefix.

    >>> sorted(held_by("shop_authors"))
    ['author', 'shopauthor']
    """
    found = words(table)
    found = (*found[:-1], singular(found[-1])) if found else ()
    return frozenset("".join(found[start:]) for start in range(len(found)))


@lru_cache(maxsize=65536)
def may_mean(column: str) -> frozenset[str]:
    """Every entity that a column may refer to, whatever the referenced key is called.

    >>> sorted(may_mean("record_label_id")), sorted(may_mean("parent"))
    (['record', 'recordlabel'], [])
    """
    found = words(column)
    wholes = {"".join((*found[: end - 1], singular(found[end - 1]))) for end in range(1, len(found))}
    return frozenset((wholes | {entity(column)}) - {""})


def refers(column: str, table: TableName, own: TableName, key: str = "") -> bool:
    """Whether ``column`` of ``own`` names ``table``; ``parent_id`` means the table that it stands in.

    What names its own table is its key and refers to nothing: ``ingredient_id`` of ``ingredient`` not to
    ``recipe_ingredient``.
    """
    named = entity(column, key)
    if table == own:
        return named == "parent"
    if named_as_key(own, column):
        return False
    return bool(named) and named in held_by(table.name)


@lru_cache(maxsize=65536)
def polymorphic(columns: frozenset[str]) -> frozenset[str]:
    """Those of ``columns`` that refer to rows of any table, as another column says: ``commentable_id`` beside
    ``commentable_type``, ``object_id`` beside ``content_type_id``."""
    found = set()
    for column in columns:
        stem = re.sub(r"(_id|_uuid|Id|Uuid)\Z", "", column)
        beside = OBJECT_TYPES if stem == "object" else {f"{stem}_type", f"{stem}Type"}
        if stem != column and beside & columns:
            found.add(column)
    return frozenset(found)


def is_primary_key(table: TableName, columns: frozenset[str], catalog: Catalog | None) -> bool:
    """Whether ``columns`` identify a row of ``table``: by the catalog, else by name.

    A composite key is one that holds the table's own number (``account_no`` of ``account``) among other columns.
    """
    known = catalog.find(table.name, table.schema) if catalog else None
    if known is not None and known.primary_key:
        return set(known.primary_key) == columns
    return any(named_as_key(table, column) for column in columns)


def named_as_key(table: TableName, column: str) -> bool:
    """Whether the column's name says that it is the key of its own table: ``id``, ``artist_uuid`` of ``artist``."""
    found = words(table.name)
    own = "".join((*found[:-1], singular(found[-1]))) if found else ""
    return column.lower() in PRIMARY_KEY_NAMES or (bool(own) and entity(column) == own)
