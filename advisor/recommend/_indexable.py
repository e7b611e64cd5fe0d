"""What PostgreSQL can index, and how: types, operator classes, collations, immutable expressions.

Sources: PostgreSQL manual, chapters 11 (indexes: 11.2 types, 11.7 expressions, 11.10 operator classes), 24.2
(collations), 70 (GIN), F.33 (pg_trgm); immutability as ``pg_proc.provolatile`` has it in version 18.
"""

from __future__ import annotations

import re

from advisor.model.capture import Server
from advisor.model.catalog import Column, Table

MAX_KEY_WIDTH = 250
"""Average bytes above which a column is no B-tree key: a tuple must stay under a third of a page (2,704 bytes), and
values are spread around their average."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NO_BTREE = _words(
    "json jsonb xml point box polygon circle line lseg path tsvector tsquery geometry geography vector "
    "halfvec sparsevec aclitem pg_snapshot txid_snapshot jsonpath refcursor int2vector xid cid"
)
_TEXT = frozenset({"text", "character varying", "character", "citext", "name", "varchar", "bpchar", "char"})
_RANGES = _words(
    "int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange "
    "tsmultirange tstzmultirange datemultirange"
)
_GEOMETRY = frozenset({"point", "box", "polygon", "circle"})
_BRIN_TYPES = _words("smallint integer bigint real numeric date uuid interval inet oid") | {
    "double precision",
    "timestamp without time zone",
    "timestamp with time zone",
}

# Immutable for every argument type that an ORM sends. date_trunc, extract, date_part and ::date are immutable on
# timestamp without time zone only (on timestamptz they depend on the TimeZone setting).
_IMMUTABLE = _words(
    "lower upper length char_length octet_length abs ceil ceiling floor round trunc sign md5 reverse left right "
    "substr substring btrim ltrim rtrim trim replace split_part coalesce nullif greatest least mod "
    "jsonb_extract_path_text jsonb_extract_path jsonb_array_length json_extract_path_text array_length "
    "cardinality initcap translate lpad rpad ascii sha256 encode strpos position"
)
_CLOCKLESS = frozenset({"date_trunc", "extract", "date_part"})
_SAFE_CASTS = _words(
    "text varchar bpchar char int int2 int4 int8 integer smallint bigint numeric decimal uuid boolean bool real "
    "float double jsonb precision"
)
_CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\s*\(", re.IGNORECASE)
_CAST = re.compile(r"(?:::\s*|\bAS\s+)([a-z_][a-z0-9_]*)", re.IGNORECASE)
_SYNTAX = frozenset({"cast", "case", "and", "or", "not", "in", "varchar", "numeric", "decimal", "char", "when", "then"})


def base_type(column: Column) -> str:
    """The column's type without modifier: ``character varying(20)`` is ``character varying``.

    >>> base_type(Column("price", "numeric(10,2)")), base_type(Column("tags", "text[]"))
    ('numeric', 'text[]')
    """
    return re.sub(r"\([\d, ]*\)", "", column.type).strip()


def is_text(column: Column) -> bool:
    """Whether it holds character strings."""
    return base_type(column) in _TEXT


def is_array(column: Column) -> bool:
    """Whether it holds arrays."""
    return column.type.endswith("[]")


def is_range(column: Column) -> bool:
    """Whether it holds ranges or multiranges."""
    return base_type(column) in _RANGES


def is_geometric(column: Column) -> bool:
    """Whether GiST orders and searches it out of the box (point, box, polygon, circle)."""
    return base_type(column) in _GEOMETRY


def width(column: Column) -> float:
    """Average bytes of its values; 32 where nothing is known (the planner's own guess)."""
    return column.stats.average_width if column.stats and column.stats.average_width else 32


def btree_obstacle(column: Column) -> str:
    """Why ``column`` cannot be a B-tree key, or empty."""
    kind = base_type(column).rpartition(".")[2]
    if kind in _NO_BTREE or is_array(column) or is_range(column):
        return f"a B-tree is of no use on type {column.type}"
    if width(column) > MAX_KEY_WIDTH:
        return (
            f"values of {column.name} are {width(column):.0f} bytes wide on average; a B-tree entry "
            f"must stay below 2,704 bytes, so inserts could start to fail"
        )
    return ""


def can_brin(column: Column) -> bool:
    """Whether a BRIN index with the default minmax class suits its type."""
    return base_type(column) in _BRIN_TYPES


def pattern_class(column: Column, server: Server) -> str:
    """The operator class that lets ``LIKE 'abc%'`` use a B-tree; empty where the collation is C anyway."""
    collation = column.collation or server.settings.get("lc_collate", "")
    if collation.rpartition(".")[2].strip('"') in {"C", "POSIX", "ucs_basic"}:
        return ""
    return {"character varying": "varchar_pattern_ops", "character": "bpchar_pattern_ops"}.get(
        base_type(column), "text_pattern_ops"
    )


def expression_obstacle(expression: str, table: Table) -> str:
    """Why ``expression`` cannot be an index key (PostgreSQL demands IMMUTABLE), or empty."""
    if "$" in re.sub(r"'(?:[^']|'')*'", "", expression):
        return f"{expression} holds a value that the capture did not keep; capture again with --keep-values"
    bare = re.sub(r"'(?:[^']|'')*'", "''", expression)
    used = [column for column in table.columns if re.search(rf"(?<![\w\"]){re.escape(column.name)}(?![\w\"])", bare)]
    zoned = any("with time zone" in column.type for column in used) and "at time zone" not in bare.lower()
    for name in _CALL.findall(bare):
        name = name.lower()
        if name in _SYNTAX or name in _IMMUTABLE:
            continue
        if name == "to_tsvector" and re.search(r"to_tsvector\s*\(\s*''", bare, re.IGNORECASE):
            continue
        if name in _CLOCKLESS:
            if zoned:
                return f"{expression} depends on the session's TimeZone setting, so PostgreSQL refuses to index it"
            continue
        return f"{name}() is not known to be IMMUTABLE, which PostgreSQL demands of an index expression"
    for target in _CAST.findall(bare):
        if target.lower() in {"date", "timestamp", "time", "timestamptz"} and zoned:
            return f"{expression} depends on the session's TimeZone setting, so PostgreSQL refuses to index it"
        if target.lower() in {"date", "timestamp", "time", "timestamptz"} and any(map(is_text, used)):
            return f"{expression} depends on the session's DateStyle setting, so PostgreSQL refuses to index it"
        if target.lower() not in _SAFE_CASTS | {"date", "timestamp", "time"}:
            return f"the cast to {target} is not known to be IMMUTABLE, which PostgreSQL demands of an index expression"
    return ""
