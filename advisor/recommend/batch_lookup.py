"""Ask once for all keys: the remedy for a lookup in a loop whose keys no query returned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.finding import Finding
from advisor.model.recommendation import CodeChange, Declined, Recommendation
from advisor.model.shape import Operand, Operator, QueryShape
from advisor.model.workload import Burst
from advisor.ports import Study
from advisor.recommend import _orm_sql
from advisor.recommend._code_change import Rewrite, recommendation, rewrites, unindexed
from advisor.recommend._relations import class_name

PATTERN = "parentless-loop"


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a shape."""
    for burst, shape in rewrites(study, PATTERN):
        column = key_column(shape)
        after = _orm_sql.batched(shape, (column,)) if column else ""
        before = " ".join(shape.text.split())
        sql = CodeChange("sql", "SQL", f"{before};  -- {burst.per_unit:g} times", f"{after};  -- once", language="sql")
        changes = (*((sql,) if after else ()), _sqlalchemy(burst, column), _django(burst, column))
        rewrite = Rewrite(
            title=f"Look {burst.child_table.name if burst.child_table else 'the table'} up once for all keys: "
            f"{burst.per_unit:g} statements become 1",
            statement=after or changes[0].after,
            changes=changes,
            after=1.0,
            repeats=" with different values",
            root_cause="The lookup stands in a loop, and its keys were known before the loop began.",
            solution="Collect the keys, ask for all of them in one statement, and find the rows by key in a mapping.",
            caveat="Thousands of keys: send them as one array parameter (= ANY($1)), not as a list of literals.",
            risk="Rows come back in another order, and missing keys are simply absent: match by key.",
            acceptance="One statement for all keys, and the same result.",
            missing=tuple(unindexed([burst], study.catalog)),
            **({"verification": f"EXPLAIN {after}"} if after else {}),
        )
        yield recommendation(study, burst, shape, rewrite)


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
