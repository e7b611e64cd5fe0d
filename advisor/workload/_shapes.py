"""Texts -> shapes: every distinct text is glanced at, one text of each fingerprint is parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import import_module

from advisor.model.capture import Capture
from advisor.model.catalog import Catalog, TableName
from advisor.model.shape import Operand, QueryBlock, QueryShape
from advisor.model.workload import Query

# Commands that are queries; the rest (BEGIN, SET, COPY, VACUUM, …) bounds units of work and is counted.
_QUERIES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
_CATALOG_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast"})
# What drivers and poolers ask on their own account.
_PROBES = (
    "select pg_advisory_unlock_all",
    "select pg_catalog",
    "select version",
    "select current_schema",
    "select set_config",
    "select current_setting",
    "select pg_is_in_recovery",
    "select current_database",
    "select pg_backend_pid",
)


class Shapes:
    """The shapes of one capture, by text and by fingerprint. ``wanted`` says which are queries of the application."""

    def __init__(self, capture: Capture) -> None:
        self.catalog: Catalog | None = capture.catalog
        self.mongo = capture.server.product == "mongodb"
        self._language = import_module("advisor.shape." + ("mql" if self.mongo else "sql"))
        self._glances: dict[str, tuple[str, str, int]] = {}
        self._by_fingerprint: dict[str, QueryShape] = {}

    def glance(self, text: str) -> tuple[str, str, int]:
        """(fingerprint, command, longest list) of a text."""
        found = self._glances.get(text)
        if found is None:
            if self.mongo:
                shape = self._language.shape_of(text, self.catalog)
                lists = [p.elements or 0 for block in shape.blocks for p in block.predicates]
                found = (shape.fingerprint, shape.command, max(lists, default=0))
            else:
                seen = self._language.glance(text)
                found = (seen.fingerprint, seen.command, seen.elements)
            self._glances[text] = found
        return found

    def of(self, text: str) -> QueryShape:
        """The shape of a text; that of the first text of its fingerprint which was asked for."""
        fingerprint = self.glance(text)[0]
        shape = self._by_fingerprint.get(fingerprint)
        if shape is None:
            shape = self._language.shape_of(text, self.catalog)
            self._by_fingerprint[fingerprint] = shape
        return shape

    def of_texts(self, texts: Iterable[str]) -> QueryShape:
        """The shape that several texts of one fingerprint share: constants that differ between them are none."""
        first, *others = texts
        shape = self.of(first)
        if others and not self.mongo and any(p.constant for block in shape.blocks for p in block.predicates):
            for text in others[:_COMPARED_TEXTS]:
                shape = _without_differing_constants(shape, self._language.shape_of(text, self.catalog))
            self._by_fingerprint[shape.fingerprint] = shape
        return shape

    def wanted(self, shape: QueryShape) -> bool:
        """Whether the application asked it: not transaction control, not a catalog or driver probe."""
        if self.mongo:
            return True
        if shape.command not in _QUERIES:
            return False
        if shape.tables:
            # The names of an unparsed text may be those of its WITH queries.
            some_or_all = any if shape.unparsed else all
            return not some_or_all(_of_catalog(name) for name in shape.tables)
        return not shape.text.lower().startswith(_PROBES)

    def known(self, queries: Iterable[Query]) -> Mapping[str, QueryShape]:
        """The queries' shapes by fingerprint."""
        return {query.shape.fingerprint: query.shape for query in queries}


_COMPARED_TEXTS = 50


def _of_catalog(name: TableName) -> bool:
    return name.schema in _CATALOG_SCHEMAS or (not name.schema and name.name.startswith("pg_"))


def _without_differing_constants(shape: QueryShape, other: QueryShape) -> QueryShape:
    if len(shape.blocks) != len(other.blocks):
        return shape
    pairs = zip(shape.blocks, other.blocks, strict=True)
    return replace(shape, blocks=tuple(_common_constants(block, twin) for block, twin in pairs))


def _common_constants(block: QueryBlock, twin: QueryBlock) -> QueryBlock:
    constants = {(p.table, p.key, p.operator, p.branch): p.constant for p in twin.predicates}
    return replace(
        block,
        predicates=tuple(
            predicate
            if not predicate.constant
            or constants.get((predicate.table, predicate.key, predicate.operator, predicate.branch))
            == predicate.constant
            else replace(predicate, constant="", operand=Operand.PARAMETER)
            for predicate in block.predicates
        ),
    )
