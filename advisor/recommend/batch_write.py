"""Write many rows in one statement: the remedy for row-by-row writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.finding import Finding
from advisor.model.recommendation import CodeChange, Declined, Recommendation
from advisor.model.shape import QueryShape
from advisor.ports import Study
from advisor.recommend._code_change import Rewrite, recommendation, rewrites
from advisor.recommend._relations import class_name

PATTERN = "row-by-row-write"
ROWS_A_STATEMENT = 1000
"""SQLAlchemy's insertmanyvalues sends up to 1,000 rows a statement (2.0, "Insert Many Values" page size)."""


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a shape."""
    for burst, shape in rewrites(study, PATTERN):
        table = burst.child_table
        changes = changes_for(shape, class_name(table), table.sql if table else "t")
        after = max(burst.per_unit / ROWS_A_STATEMENT, 1.0)
        rewrite = Rewrite(
            title=f"Write {table.name if table else 'the rows'} in batches: "
            f"{burst.per_unit:g} statements become {after:.0f}",
            statement=changes[0].after,
            changes=changes,
            after=after,
            repeats=", each waiting for the one before",
            root_cause="Each row is a statement of its own, and the loop waits a round trip for each.",
            solution="Send the rows together: many rows in one statement, a pipelined executemany, or COPY for bulk "
            "loads.",
            caveat="One bad row fails the whole batch: validate before, or fall back to single rows for that batch.",
            risk="Defaults that only the ORM knows and signals per row (Django's post_save) may not run in bulk calls.",
            acceptance=f"At most {after:.0f} statements for as many rows as before.",
        )
        yield recommendation(study, burst, shape, rewrite)


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
