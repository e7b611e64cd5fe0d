"""Ask once for all keys: the remedy for a lookup in a loop whose keys no query returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.finding import Finding
from advisor.model.recommendation import CodeChange, Declined, Recommendation, RewriteQuery
from advisor.model.shape import Operand, Operator, QueryShape
from advisor.model.workload import Burst
from advisor.ports import Study
from advisor.recommend import _code_change, _orm_sql
from advisor.recommend._naming import identifier
from advisor.recommend._relations import class_name

PATTERN = "parentless-loop"


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a shape."""
    if study.capture.server.product != "postgresql":
        return
    for burst in study.workload.bursts:
        query = study.workload.by_fingerprint.get(burst.child)
        if burst.pattern == PATTERN and query is not None:
            yield _recommendation(study, burst, query.shape)


def _recommendation(study: Study, burst: Burst, shape: QueryShape) -> Recommendation:
    column = key_column(shape)
    after = _orm_sql.batched(shape, (column,)) if column else ""
    before = " ".join(shape.text.split())
    changes = (
        *(
            (CodeChange("sql", "SQL", f"{before};  -- {burst.per_unit:g} times", f"{after};  -- once", language="sql"),)
            if after
            else ()
        ),
        _sqlalchemy(burst, column),
        _django(burst, column),
    )
    table = burst.child_table.name if burst.child_table else "the table"
    return Recommendation(
        id=identifier("rewrite_query", str(burst.child_table or ""), burst.child),
        title=f"Look {table} up once for all keys: {burst.per_unit:g} statements become 1",
        action=RewriteQuery(before, after or changes[0].after, changes),
        statement=after or changes[0].after,
        tables=(burst.child_table,) if burst.child_table else (),
        problem=f"`{before}` runs {burst.per_unit:g} times a {burst.unit_kind.value} with different values "
        f"({burst.executions} executions in {burst.units}). {_code_change.places([burst])}".strip(),
        root_cause="The lookup stands in a loop, and its keys were known before the loop began.",
        solution="Collect the keys, ask for all of them in one statement, and look the rows up in a mapping by key.",
        benefit=_code_change.benefit([burst], study.workload, burst.per_unit, 1.0),
        migration_impact=_code_change.code_impact(
            "A change of code: no lock, no build, nothing to migrate.",
            _code_change.unindexed([burst], study.catalog),
            ("Thousands of keys: send them as one array parameter (= ANY($1)), not as a list of literals.",),
        ),
        risks=("Rows come back in another order, and missing keys are simply absent: match by key.",),
        verification=(f"EXPLAIN {after}",) if after else ("Count the statements before and after.",),
        acceptance=("One statement for all keys, and the same result.",),
        shapes=(burst.child,),
        rules=("parentless-loop",),
        confidence=_code_change.confidence([burst]),
        location=_code_change.place([burst]),
    )


def key_column(shape: QueryShape) -> str:
    """The one column that is compared with a value for equality; empty when there are several."""
    columns = {
        predicate.column
        for block in shape.blocks
        for predicate in block.predicates
        if predicate.operator in (Operator.EQUAL, Operator.IN)
        and predicate.operand is Operand.PARAMETER
        and predicate.column
    }
    return next(iter(columns)) if len(columns) == 1 else ""


def _sqlalchemy(burst: Burst, column: str) -> CodeChange:
    model, key = class_name(burst.child_table), column or "id"
    return CodeChange(
        tool="sqlalchemy",
        title="SQLAlchemy 2",
        before=f"for key in keys:\n    row = session.get({model}, key)  # one query each",
        after=f"rows = {{row.{key}: row for row in session.scalars(select({model}).where({model}.{key}.in_(keys)))}}",
        guessed=True,
    )


def _django(burst: Burst, column: str) -> CodeChange:
    model, key = class_name(burst.child_table), column or "pk"
    return CodeChange(
        tool="django",
        title="Django",
        before=f"for key in keys:\n    row = {model}.objects.get({key}=key)  # one query each",
        after=f'rows = {model}.objects.in_bulk(keys, field_name="{key}")',
        guessed=True,
    )
