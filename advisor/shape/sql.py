"""PostgreSQL statements -> QueryShape.

Fingerprint and canonical text come from the tokens, so they exist for every text and do not depend on a parser's
version; blocks and predicates come from sqlglot's tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import sqlglot
from sqlglot.errors import SqlglotError

from advisor.model.catalog import Catalog, TableName
from advisor.model.shape import QueryShape
from advisor.shape._sql_fingerprint import fingerprint
from advisor.shape._sql_items import longest_list
from advisor.shape._sql_statement import Parsed, Statement
from advisor.shape._sql_text import Canonical, canonical
from advisor.shape._sql_tokens import Kind, Token, closing, tokens, type_end, words

_CACHED_SHAPES = 20_000
_CACHED_CATALOGS = 4
_QUERIES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
# FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE (manual, SELECT, "The Locking Clause").
_LOCKS = frozenset({"update", "share", "no", "key"})
# Longer statements are fingerprinted but not parsed: sqlglot needs about 1 ms for 30 tokens, and they are bulk loads.
_PARSED_TOKENS = 20_000
# Built-in functions marked volatile that do more than read (pg_proc.provolatile = 'v'), and the usual extensions'.
_VOLATILE = words(
    "random random_normal setseed nextval setval clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7 "
    "uuid_generate_v1 uuid_generate_v4 pg_sleep pg_sleep_for pg_sleep_until pg_notify set_config pg_cancel_backend "
    "pg_terminate_backend pg_advisory_lock pg_advisory_xact_lock pg_try_advisory_lock pg_try_advisory_xact_lock "
    "pg_advisory_unlock pg_advisory_unlock_all txid_current pg_current_xact_id pg_reload_conf lo_import lo_export "
    "lo_unlink lo_create lowrite dblink dblink_exec pg_switch_wal pg_create_restore_point"
)


def shape_of(text: str, catalog: Catalog | None = None) -> QueryShape:
    """Normalise one statement and say what it asks of each table.

    ``text`` may hold ``$n`` parameters, ``$0`` for literals that a capture took out, and literals. ``catalog`` resolves
    unqualified columns, the search path and views. Never raises: what cannot be parsed has ``unparsed`` set, with
    fingerprint, canonical text and (best effort) tables all the same. Shapes are cached per text and catalog.
    """
    return _shape_function(catalog)(text)


@dataclass(frozen=True, slots=True)
class Glance:
    """What the tokens alone tell. ``elements``: the longest IN, ANY or VALUES list's length, 0 without one."""

    fingerprint: str
    command: str
    elements: int


def glance(text: str) -> Glance:
    """Fingerprint, command and longest list of a text, without parsing: about ten times faster than a shape."""
    items = _inner(tokens(text))
    return Glance(fingerprint(items), _command(items), longest_list(items))


@lru_cache(maxsize=4096)
def expression_key(expression: str) -> str:
    """An index expression in a form that compares equal however it was spelled: casts, parentheses, case, spaces gone.

    >>> expression_key("lower((email)::text)") == expression_key("LOWER(email)")
    True
    """
    items = tokens(expression)
    written: list[str] = []
    place = 0
    while place < len(items):
        token = items[place]
        if token.text == "::":
            place = max(type_end(items, place + 1), place + 1)
            continue
        quoted = token.kind is Kind.QUOTED and token.raw[1:-1].islower()
        written.append(token.raw[1:-1] if quoted else token.text)
        place += 1
    return " ".join(word for word in written if word not in "()")


def _shape(text: str, catalog: Catalog | None) -> QueryShape:
    items = _inner(tokens(text))
    command = _command(items)
    rewritten = canonical(items)
    parsed, unparsed = _parse(items, rewritten, catalog) if command in _QUERIES else (Parsed(), "")
    if unparsed:
        parsed = Parsed(tables=_tables_by_words(items, catalog), written=_written_by_words(items, command, catalog))
    return QueryShape(
        fingerprint=fingerprint(items),
        text=rewritten.text,
        command=command,
        tables=parsed.tables,
        blocks=parsed.blocks,
        parameters=len(rewritten.values),
        written=parsed.written,
        assigned=parsed.assigned,
        locking=any(item.text == "for" and following.text in _LOCKS for item, following in pairwise(items)),
        volatile=any(item.text in _VOLATILE and following.text == "(" for item, following in pairwise(items)),
        unparsed=unparsed,
        sample=text,
    )


def _parse(items: Sequence[Token], rewritten: Canonical, catalog: Catalog | None) -> tuple[Parsed, str]:
    """What the tree tells, or why there is none."""
    if any(item.kind is Kind.OTHER for item in items):
        return Parsed(), "the text is cut off or not SQL"
    if len(items) > _PARSED_TOKENS:
        return Parsed(), f"the statement is too long to parse ({len(items):,} tokens)"
    try:
        trees = [tree for tree in sqlglot.parse(rewritten.parsable, dialect="postgres") if tree is not None]
        if len(trees) != 1:
            return Parsed(), f"the text holds {len(trees)} statements"
        return Statement(catalog, rewritten).parse(trees[0]), ""
    except SqlglotError as error:
        return Parsed(), "the parser could not read it: " + str(error).partition("\n")[0].partition(" Line ")[0]
    except RecursionError:
        return Parsed(), "the statement is nested too deeply to parse"


def _inner(items: list[Token]) -> list[Token]:
    """The query inside ``DECLARE name CURSOR … FOR query`` and ``PREPARE name AS query``."""
    first = items[0].text if items else ""
    mark = {"declare": "for", "prepare": "as"}.get(first)
    if mark is not None:
        for place, item in enumerate(items[:40]):
            if item.text == mark and item.kind is Kind.WORD:
                return items[place + 1 :]
    return items


def _command(items: Sequence[Token]) -> str:
    place = 0
    while place < len(items) and items[place].text == "(":
        place += 1
    if place >= len(items):
        return ""
    word = items[place].text.upper()
    if word in ("VALUES", "TABLE"):
        return "SELECT"
    if word != "WITH":
        return word
    while place < len(items):
        if items[place].text == "(":
            place = closing(items, place)
        elif items[place].text in ("select", "insert", "update", "delete", "merge", "values", "table"):
            return items[place].text.upper() if items[place].text not in ("values", "table") else "SELECT"
        place += 1
    return "SELECT"


def _name_at(items: Sequence[Token], place: int) -> tuple[str, str]:
    """The possibly qualified name at ``place``, as (schema, name); ("", "") when none stands there."""
    parts: list[str] = []
    while place < len(items) and items[place].kind in (Kind.WORD, Kind.QUOTED):
        parts.append(items[place].raw[1:-1] if items[place].kind is Kind.QUOTED else items[place].text)
        if place + 1 >= len(items) or items[place + 1].text != ".":
            break
        place += 2
    return ("", "") if not parts else (parts[-2] if len(parts) > 1 else "", parts[-1])


def _found(catalog: Catalog | None, schema: str, name: str) -> TableName:
    table = catalog.find(name, schema) if catalog is not None else None
    return table.name if table is not None else TableName(schema, name)


def _tables_by_words(items: Sequence[Token], catalog: Catalog | None) -> tuple[TableName, ...]:
    """Names after FROM, JOIN, INTO and UPDATE: what can be said of a text that no parser reads."""
    found: dict[TableName, None] = {}
    for place, item in enumerate(items):
        if item.kind is Kind.WORD and item.text in ("from", "join", "into", "update"):
            following = place + 2 if place + 1 < len(items) and items[place + 1].text == "only" else place + 1
            schema, name = _name_at(items, following)
            if name and name not in ("select", "lateral", "set", "unnest", "skip", "nowait", "of"):
                found[_found(catalog, schema, name)] = None
    return tuple(found)


def _written_by_words(items: Sequence[Token], command: str, catalog: Catalog | None) -> TableName | None:
    mark = {"INSERT": "into", "UPDATE": "update", "DELETE": "from", "MERGE": "into"}.get(command)
    for place, item in enumerate(items):
        if mark is not None and item.text == mark:
            schema, name = _name_at(items, place + 1)
            return _found(catalog, schema, name) if name else None
    return None


_functions: list[tuple[Catalog | None, Callable[[str], QueryShape]]] = []


def _shape_function(catalog: Catalog | None) -> Callable[[str], QueryShape]:
    """A cached ``text -> shape``; catalogs are compared by identity: by content would cost more than parsing."""
    for known, function in _functions:
        if known is catalog:
            return function
    cached = lru_cache(maxsize=_CACHED_SHAPES)(lambda text: _shape(text, catalog))
    _functions.insert(0, (catalog, cached))
    del _functions[_CACHED_CATALOGS:]
    return cached
