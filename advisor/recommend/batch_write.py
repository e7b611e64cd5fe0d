"""Write many rows in one statement: the remedy for row-by-row writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.finding import Finding
from advisor.model.recommendation import CodeChange, Declined, Recommendation, RewriteQuery
from advisor.model.shape import QueryShape
from advisor.model.workload import Burst
from advisor.ports import Study
from advisor.recommend import _code_change
from advisor.recommend._naming import identifier
from advisor.recommend._relations import class_name

PATTERN = "row-by-row-write"
ROWS_A_STATEMENT = 1000
"""SQLAlchemy's insertmanyvalues sends up to 1,000 rows a statement (2.0, "Insert Many Values" page size)."""


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a shape."""
    if study.capture.server.product != "postgresql":
        return
    for burst in study.workload.bursts:
        query = study.workload.by_fingerprint.get(burst.child)
        if burst.pattern == PATTERN and query is not None:
            yield _recommendation(study, burst, query.shape)


def _recommendation(study: Study, burst: Burst, shape: QueryShape) -> Recommendation:
    text = " ".join(shape.text.split())
    changes = changes_for(shape, class_name(burst.child_table), burst.child_table.sql if burst.child_table else "t")
    after = max(burst.per_unit / ROWS_A_STATEMENT, 1.0)
    return Recommendation(
        id=identifier("rewrite_query", str(burst.child_table or ""), burst.child),
        title=f"Write {burst.child_table.name if burst.child_table else 'the rows'} in batches: "
        f"{burst.per_unit:g} statements become {after:.0f}",
        action=RewriteQuery(text, changes[0].after, changes),
        statement=changes[0].after,
        tables=(burst.child_table,) if burst.child_table else (),
        problem=f"`{text}` runs {burst.per_unit:g} times a {burst.unit_kind.value}, each waiting for the one before "
        f"({burst.executions} executions in {burst.units}). {_code_change.places([burst])}".strip(),
        root_cause="Each row is a statement of its own, and the loop waits a round trip for each.",
        solution="Send the rows together: many rows in one statement, a pipelined executemany, or COPY for bulk loads.",
        benefit=_code_change.benefit([burst], study.workload, burst.per_unit, after),
        migration_impact=_code_change.code_impact(
            "A change of code: no lock, no build, nothing to migrate.",
            (),
            ("One bad row fails the whole batch: validate before, or fall back to single rows for that batch.",),
        ),
        risks=("Defaults that only the ORM knows and signals per row (Django's post_save) may not run in bulk calls.",),
        verification=("Count the statements before and after.",),
        acceptance=(f"At most {after:.0f} statements for as many rows as before.",),
        shapes=(burst.child,),
        rules=("row-by-row-write",),
        confidence=_code_change.confidence([burst]),
        location=_code_change.place([burst]),
    )


def changes_for(shape: QueryShape, model: str, table: str) -> tuple[CodeChange, ...]:
    """Before and after for SQL, SQLAlchemy and Django, by the statement's command."""
    text = " ".join(shape.text.split())
    if shape.command == "INSERT":
        columns = ", ".join(shape.assigned) or "…"
        arrays = ", ".join(f"${number}" for number in range(1, len(shape.assigned) + 1)) or "…"
        sql = f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays})"
        orm = f"session.execute(insert({model}), rows)  # a list of dictionaries"
        django = f"{model}.objects.bulk_create(objects, batch_size={ROWS_A_STATEMENT})"
    elif shape.command == "DELETE":
        sql = f"DELETE FROM {table} WHERE id = ANY($1)"
        orm = f"session.execute(delete({model}).where({model}.id.in_(keys)))"
        django = f"{model}.objects.filter(pk__in=keys).delete()"
    else:
        assigned = ", ".join(f"{column} = new.{column}" for column in shape.assigned) or "…"
        given = ", ".join(shape.assigned) or "…"
        sql = f"UPDATE {table} AS old SET {assigned} FROM unnest($1, $2) AS new (id, {given}) WHERE old.id = new.id"
        orm = f"session.execute(update({model}), rows)  # dictionaries with the primary key"
        django = f"{model}.objects.bulk_update(objects, [{', '.join(repr(c) for c in shape.assigned)}])"
    return (
        CodeChange(
            "sql",
            "SQL",
            f"{text};  -- for each row",
            f"{sql};  -- with arrays, cast to the columns' types",
            language="sql",
        ),
        CodeChange("sqlalchemy", "SQLAlchemy 2", "for …:\n    session.add(…); session.flush()", orm, guessed=True),
        CodeChange("django", "Django", "for …:\n    ….save()", django, guessed=True),
    )
