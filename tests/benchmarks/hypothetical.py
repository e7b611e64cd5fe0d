"""A plain HypoPG estimator over psycopg, for benchmarks on the machine's own PostgreSQL: indexes are kept between
questions and only the difference is created or hidden."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from advisor.model.capture import Coverage
from advisor.model.catalog import Index
from advisor.model.ddl import index_body
from advisor.model.recommendation import Cost, WhatIf


class HypoPG:
    """A :class:`~advisor.ports.CostEstimator`; ``connection`` must be in autocommit mode with HypoPG created."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._known: dict[Index, tuple[int, str]] = {}
        version = connection.info.server_version
        self.planner = f"PostgreSQL {version // 10_000} (HypoPG)"
        self.calls = 0
        self.coverage: tuple[Coverage, ...] = ()

    def _have(self, indexes: frozenset[Index]) -> None:
        gone = [self._known.pop(index)[0] for index in [*self._known] if index not in indexes]
        if gone:
            self._connection.execute("SELECT hypopg_drop_index(oid) FROM unnest(%s::oid[]) oid", [gone])
        new = sorted(indexes - self._known.keys(), key=repr)
        if new:
            rows = self._connection.execute(
                "SELECT made.indexrelid, made.indexname FROM unnest(%s::text[]) WITH ORDINALITY s(text, number), "
                "hypopg_create_index(s.text) made ORDER BY s.number",
                [[f"CREATE INDEX {index_body(index)}" for index in new]],
            )
            self._known.update(zip(new, rows.fetchall(), strict=True))

    def costs(self, questions: Sequence[WhatIf]) -> list[Cost]:
        return [self._cost(question) for question in questions]

    def _cost(self, question: WhatIf) -> Cost:
        self.calls += 1
        try:
            self._have(question.indexes)
            row = self._connection.execute(sql.SQL("EXPLAIN (FORMAT JSON) " + question.text)).fetchone()
        except psycopg.Error as error:
            return Cost(float("inf"), self.planner, error=str(error))
        assert row is not None
        plan = row[0][0]["Plan"] if not isinstance(row[0], str) else json.loads(row[0])[0]["Plan"]
        names = set(_index_names(plan))
        used = frozenset(index for index, (_, name) in self._known.items() if name in names)
        return Cost(plan["Total Cost"], self.planner, used=used)

    def sizes(self, indexes: Sequence[Index]) -> list[int]:
        sizes = []
        for index in indexes:
            self._have(frozenset({index}))
            row = self._connection.execute("SELECT hypopg_relation_size(%s)", [self._known[index][0]]).fetchone()
            assert row is not None
            sizes.append(int(row[0]))
        return sizes

    def close(self) -> None:
        self._connection.execute("SELECT hypopg_reset()")


def _index_names(node: dict[str, Any]) -> list[str]:
    own = [node["Index Name"]] if "Index Name" in node else []
    return own + [name for child in node.get("Plans", ()) for name in _index_names(child)]
