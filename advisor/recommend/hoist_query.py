"""Ask once and keep the answer: the remedy for the same query with the same values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.finding import Finding
from advisor.model.recommendation import CodeChange, Declined, Recommendation, RewriteQuery
from advisor.model.shape import QueryShape
from advisor.model.workload import Burst
from advisor.ports import Study
from advisor.recommend import _code_change
from advisor.recommend._naming import identifier

PATTERN = "repeated-identical-query"


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
    distinct = max(burst.distinct_ratio * burst.per_unit, 1.0)
    change = CodeChange(
        tool="python",
        title="Python",
        before="for item in items:\n    answer = ask()  # the same question each time",
        after="answer = ask()\nfor item in items:\n    …  # use answer (several questions: functools.cache)",
        guessed=True,
    )
    return Recommendation(
        id=identifier("rewrite_query", str(burst.child_table or ""), burst.child),
        title=f"Ask once and keep the answer: {burst.per_unit:g} statements become {distinct:.0f}",
        action=RewriteQuery(text, text, (change,)),
        statement=text,
        tables=(burst.child_table,) if burst.child_table else (),
        problem=f"`{text}` runs {burst.per_unit:g} times a {burst.unit_kind.value} with the same values "
        f"({burst.executions} executions in {burst.units}). {_code_change.places([burst])}".strip(),
        root_cause="The question is asked inside a loop (or by each of several helpers), and nobody keeps the answer.",
        solution="Move it before the loop, or remember the answer for the request.",
        benefit=_code_change.benefit([burst], study.workload, burst.per_unit, distinct),
        migration_impact=_code_change.code_impact(
            "A change of code: no lock, no build, nothing to migrate.",
            (),
            ("A cache that outlives the request must be told when the row changes.",),
        ),
        risks=("Code that changes the row within the request must see its own change: clear the kept answer there.",),
        verification=("Count the statements of the request before and after.",),
        acceptance=(f"At most {distinct:.0f} executions a {burst.unit_kind.value}.",),
        shapes=(burst.child,),
        rules=("repeated-identical-query",),
        confidence=_code_change.confidence([burst]),
        location=_code_change.place([burst]),
    )
