"""What the rules over MongoDB's plans share: which queries are badly served, in which words."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.model.catalog import Table
from advisor.model.finding import Confidence, EvidenceValue, Finding, Rule
from advisor.model.shape import QueryBlock
from advisor.model.workload import Query
from advisor.ports import Study
from advisor.rules import _load
from advisor.shape.mql_effort import Effort, effort_of


def measured(study: Study) -> Iterator[tuple[Query, Effort]]:
    """Queries whose examined keys and documents are known, most time first."""
    for query in study.workload.queries:
        effort = effort_of(query)
        if effort is not None and query.shape.tables:
            yield query, effort


def asked(study: Study) -> Iterator[tuple[Query, Effort, QueryBlock]]:
    """The same, with what is asked of the query's own collection; a plan that came without its statement tells none."""
    for query, effort in measured(study):
        if query.shape.blocks:
            yield query, effort, query.shape.blocks[0]


def table_of(study: Study, query: Query) -> Table | None:
    """The query's collection in the catalog."""
    name = query.shape.tables[0]
    return study.catalog.find(name.name, name.schema)


def finding(study: Study, rule: Rule, query: Query, effort: Effort, message: str, **more: EvidenceValue) -> Finding:
    """A finding about one query, with what it examines."""
    told: dict[str, EvidenceValue] = {
        **_load.evidence(study, [query]),
        "keys examined a call": round(effort.keys, 1),
        "documents examined a call": round(effort.documents, 1),
    }
    if effort.returned is not None:
        told["documents returned a call"] = round(effort.returned, 1)
        told["examined for each returned"] = round(effort.ratio or 0.0, 1)
    if query.plan is not None and query.plan.root.attributes.get("plan summary"):
        told["plan"] = query.plan.root.attributes["plan summary"]
    return Finding(
        rule=rule.name,
        severity=_load.severity(study, query.stats.total_ms),
        confidence=Confidence.HIGH,
        message=message,
        tables=query.shape.tables,
        shapes=(query.shape.fingerprint,),
        count=query.stats.calls,
        evidence={**told, **more},
        location=next(iter(query.call_sites), None),
    )


def words(effort: Effort) -> str:
    """``60,000 documents for 13.2 returned``."""
    what = "documents" if effort.documents >= effort.keys else "keys"
    if effort.returned is None:
        return f"{effort.examined:,.0f} {what}"
    return f"{effort.examined:,.0f} {what} for {effort.returned:,.1f} returned"
