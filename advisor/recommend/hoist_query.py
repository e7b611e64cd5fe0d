"""Ask once and keep the answer: the remedy for the same query with the same values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from advisor.model.finding import Finding
from advisor.model.recommendation import CodeChange, Declined, Recommendation
from advisor.ports import Study
from advisor.recommend._code_change import Rewrite, recommendation, rewrites

PATTERN = "repeated-identical-query"


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a shape."""
    change = CodeChange(
        tool="python",
        title="Python",
        before="for item in items:\n    answer = ask()  # the same question each time",
        after="answer = ask()\nfor item in items:\n    …  # use answer (several questions: functools.cache)",
        guessed=True,
    )
    for burst, shape in rewrites(study, PATTERN):
        distinct = max(burst.distinct_ratio * burst.per_unit, 1.0)
        rewrite = Rewrite(
            title=f"Ask once and keep the answer: {burst.per_unit:g} statements become {distinct:.0f}",
            statement=" ".join(shape.text.split()),
            changes=(change,),
            after=distinct,
            repeats=" with the same values",
            root_cause="The question is asked inside a loop (or by each of several helpers), and nobody keeps the "
            "answer.",
            solution="Move it before the loop, or remember the answer for the request.",
            caveat="A cache that outlives the request must be told when the row changes.",
            risk="Code that changes the row within the request must see its own change: clear the kept answer there.",
            acceptance=f"At most {distinct:.0f} executions a {burst.unit_kind.value}.",
        )
        yield recommendation(study, burst, shape, rewrite)
