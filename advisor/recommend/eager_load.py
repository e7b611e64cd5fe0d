"""Load relations with their parent: the remedy for N+1, as code for the application's ORM and as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.errors import SourceError
from advisor.model.finding import Finding
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import CodeChange, Declined, EagerLoad, Recommendation, RewriteQuery
from advisor.model.shape import QueryShape
from advisor.model.workload import Burst
from advisor.models_reader import Models, read_models
from advisor.ports import Study
from advisor.recommend import _code_change, _orm_django, _orm_prisma, _orm_rails, _orm_sql, _orm_sqlalchemy
from advisor.recommend._naming import identifier, listed
from advisor.recommend._relations import Fetch, class_name, trees

_ORMS = {
    "sqlalchemy": _orm_sqlalchemy.change,
    "django": _orm_django.change,
    "rails": _orm_rails.change,
    "prisma": _orm_prisma.change,
}
PATTERN = "n-plus-one"


def recommend(study: Study, findings: Sequence[Finding]) -> Iterator[Recommendation | Declined]:
    """Yield one recommendation a parent, and everything that looked like a burst with the reason why it is none."""
    shapes = {print_: query.shape for print_, query in study.workload.by_fingerprint.items()}
    for suppressed in study.workload.suppressed:
        shape = shapes.get(suppressed.child)
        yield Declined(
            candidate=f"one statement instead of {suppressed.executions}" + (f" of `{_short(shape)}`" if shape else ""),
            reason=suppressed.reason,
            kind="eager_load",
            tables=shape.tables if shape else (),
            shapes=(suppressed.child,) if suppressed.child else (),
            rule="row-by-row-write" if suppressed.pattern == "row-by-row-write" else "n-plus-one-burst",
        )
    bursts = [b for b in study.workload.bursts if b.pattern == PATTERN and b.child in shapes and b.parent in shapes]
    if not bursts or study.capture.server.product != "postgresql":
        return
    models = None
    try:
        models = _models(study)
    except SourceError as error:
        yield Declined("names of relations from the application's models", str(error), kind="eager_load")
    for parent, fetches in trees(bursts, shapes, study.catalog, models).items():
        yield _Writer(study, shapes, parent, fetches, models).recommendation(findings)


def _models(study: Study) -> Models | None:
    if study.options.models:
        return read_models("sqlalchemy", study.options.models)
    return read_models("django", study.options.django_settings) if study.options.django_settings else None


class _Writer:
    """Writes the recommendation for one parent."""

    def __init__(
        self,
        study: Study,
        shapes: Mapping[str, QueryShape],
        parent: str,
        fetches: Sequence[Fetch],
        models: Models | None,
    ) -> None:
        self._study = study
        self._parent = shapes[parent]
        self._fetches = fetches
        self._models = models
        self._flat = [fetch for top in fetches for fetch in top.walk()]
        self._bursts: list[Burst] = [fetch.burst for fetch in self._flat]
        self._owner = fetches[0].name.owner or class_name(fetches[0].burst.parent_table)

    def recommendation(self, findings: Sequence[Finding]) -> Recommendation:
        """The whole recommendation."""
        changes = self._changes()
        shapes = (self._parent.fingerprint, *(burst.child for burst in self._bursts))
        before, after = self._statements()
        rows = [fetch for fetch in self._flat if fetch.kind in ("rows", "columns")]
        action: EagerLoad | RewriteQuery
        if rows:
            action = EagerLoad(self._parent.fingerprint, tuple(b.child for b in self._bursts), changes)
        else:
            action = RewriteQuery(changes[0].before if changes else "", changes[0].after if changes else "", changes)
        table = self._bursts[0].parent_table
        return Recommendation(
            id=identifier(action.kind, str(table or ""), "|".join(shapes)),
            title=self._title(before, after),
            action=action,
            statement=changes[0].after if changes else "",
            tables=tuple(sorted({t for b in self._bursts for t in (b.parent_table, b.link_table, b.child_table) if t})),
            problem=self._problem(before),
            root_cause=self._root_cause(),
            solution=self._solution(changes),
            benefit=_code_change.benefit(self._bursts, self._study.workload, before, after),
            migration_impact=self._impact(),
            risks=self._risks(),
            verification=self._verification(),
            acceptance=(
                f"At most {after:g} statements a {self._bursts[0].unit_kind.value} where {before:g} were seen.",
                "The same rows, in the same order, as before.",
            ),
            shapes=shapes,
            rules=("n-plus-one-burst",),
            confidence=_code_change.confidence(self._bursts),
            location=_code_change.place(self._bursts),
        )

    def _statements(self) -> tuple[float, float]:
        """Statements a unit of work, before and after: 1 + N (+ N·M) and 1 + k."""
        before = 1 + sum(burst.per_unit for burst in self._bursts)
        return before, 1.0 + len(self._bursts)

    def _changes(self) -> tuple[CodeChange, ...]:
        """The application's own ORM first; the others follow only when it is not known."""
        own = self._models.tool if self._models else _code_change.orm_of(self._texts())
        tools = [own] if own else list(_ORMS)
        found = [_ORMS[tool](self._fetches, self._owner) for tool in tools]
        found.append(_orm_sql.change(self._fetches, self._parent))
        if own:
            found += [_ORMS[tool](self._fetches, self._owner) for tool in _ORMS if tool != own]
        return tuple(change for change in found if change is not None)

    def _texts(self) -> list[str]:
        return [self._parent.sample or self._parent.text, *(f.shape.sample or f.shape.text for f in self._flat)]

    def _title(self, before: float, after: float) -> str:
        names = listed(f"{fetch.name.owner}.{fetch.name.attribute}" for fetch in self._flat)
        if all(fetch.kind == "columns" for fetch in self._flat):
            return f"Read {self._owner}'s columns at once: {before:g} statements become {after - 1:g}"
        if all(fetch.kind in ("count", "first") for fetch in self._flat):
            return f"Ask once instead of for each {self._owner}: {before:g} statements become {after:g}"
        return f"Load {names} with {self._owner}: {before:g} statements become {after:g}"

    def _problem(self, before: float) -> str:
        first = self._bursts[0]
        parts = [
            f"{burst.per_unit:g} times `{_short(fetch.shape)}`"
            for fetch, burst in zip(self._flat, self._bursts, strict=True)
        ]
        saved = sum(burst.saved_ms or 0.0 for burst in self._bursts)
        return (
            f"In {first.units} units of work (a {first.unit_kind.value} each), `{_short(self._parent)}` is followed by "
            f"{listed(parts)}: {before:g} statements where {1 + len(self._bursts)} would do. "
            f"About {saved:,.0f} ms of waiting were seen in the capture. {_code_change.places(self._bursts)}".strip()
        )

    def _root_cause(self) -> str:
        links = listed(dict.fromkeys(burst.linked_by for burst in self._bursts if burst.linked_by))
        return f"The relation is loaded row by row ({links}); each statement waits for a round trip of its own."

    def _solution(self, changes: Sequence[CodeChange]) -> str:
        if any(fetch.kind == "columns" for fetch in self._flat):
            return "Read the columns with the first statement, and do not expire objects that are still used."
        if all(fetch.kind in ("count", "first") for fetch in self._flat):
            return (
                "One grouped statement gives the answer for all parents; loading the rows themselves would be too much."
            )
        guessed = any(change.guessed for change in changes[:1])
        hint = (
            " Names are guessed from foreign keys; --models or --django-settings reads the real ones."
            if guessed
            else ""
        )
        return f"Load the relation together with its parent, in one statement for all rows.{hint}"

    def _impact(self) -> MigrationImpact:
        most = max(burst.per_unit_max for burst in self._bursts)
        return _code_change.code_impact(
            "A change of code: no lock, no build, nothing to migrate.",
            _code_change.unindexed(self._bursts, self._study.catalog),
            (
                f"All children of the parents at hand are in memory at once (up to {most} statements' rows were seen); "
                "where the parent has no LIMIT, page it.",
                "Callers that never touch the relation pay for it too: set the option on the query, not on the model.",
            ),
        )

    def _risks(self) -> tuple[str, ...]:
        found = ["An eager load that a code path does not use costs time and memory for nothing."]
        if sum(fetch.to_many for fetch in self._fetches) > 1:
            found.append("Two collections in one join multiply rows; each is loaded by a statement of its own here.")
        if any(len(fetch.names) > 1 for fetch in self._flat):
            found.append(
                "The statements do not tell which of several relations is read; both are printed, keep the right one."
            )
        return tuple(found)

    def _verification(self) -> tuple[str, ...]:
        counted = "advisor's pytest plugin: @pytest.mark.max_queries(n) on a test of this route"
        batch = [
            f"EXPLAIN {text}"
            for fetch in self._flat
            if (text := _orm_sql.batched(fetch.shape, fetch.burst.child_columns, fetch.kind))
        ]
        return (f"Count the statements of the request before and after ({counted}).", *batch[:3])


def _short(shape: QueryShape) -> str:
    line = " ".join(shape.text.split())
    return line if len(line) <= 160 else line[:159] + "…"
