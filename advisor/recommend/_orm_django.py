"""Django: select_related, prefetch_related, annotate (documentation, "QuerySet API reference")."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.model.recommendation import CodeChange
from advisor.recommend._relations import Fetch

TITLE = "Django"


def change(fetches: Sequence[Fetch], parent: str) -> CodeChange | None:
    """The query set of ``parent`` (a model's name) before and after."""
    variable = parent.lower()
    before = [f"for {variable} in {parent}.objects.all():"]
    before += [line for fetch in fetches for line in _loop(fetch, variable, 1)]
    calls = calls_of(fetches)
    return CodeChange(
        tool="django",
        title=TITLE,
        before="\n".join(before),
        after=f"for {variable} in {parent}.objects{''.join(f'.{call}' for call in calls) or '.all()'}:\n    …",
        guard="django-zeal in the test suite, or advisor's own pytest plugin (marker no_n_plus_one)",
        guessed=any(fetch.guessed for top in fetches for fetch in top.walk()),
        note=_note(fetches),
    )


def calls_of(fetches: Sequence[Fetch]) -> list[str]:
    """The query set's methods, ``select_related`` first."""
    joined: list[str] = []
    fetched: list[str] = []
    other: list[str] = []
    for fetch in fetches:
        for name in fetch.names:
            _collect(fetch, accessor(fetch, name.attribute), name.attribute, joined, fetched, other)
    calls = []
    if joined:
        calls.append(f"select_related({', '.join(map(repr, dict.fromkeys(joined)))})".replace("'", '"'))
    if fetched:
        calls.append(f"prefetch_related({', '.join(map(repr, dict.fromkeys(fetched)))})".replace("'", '"'))
    return calls + list(dict.fromkeys(other))


def accessor(fetch: Fetch, attribute: str) -> str:
    """Without models a reverse relation is called ``<model>_set``, Django's default."""
    link, child = fetch.burst.link_table, fetch.burst.child_table
    backwards = link is None or (child is not None and link.name.startswith(f"{child.name}_"))
    if fetch.guessed and fetch.to_many and backwards:
        return f"{fetch.name.target.lower()}_set"
    return attribute


def _collect(
    fetch: Fetch,
    path: str,
    attribute: str,
    joined: list[str],
    fetched: list[str],
    other: list[str],
    *,
    many: bool = False,
) -> None:
    if fetch.kind == "columns":
        other.append("defer(None)")  # QuerySet.defer: None takes every deferral back
    elif fetch.kind == "count":
        # A reverse relation without a related_name is asked for by its model's name, not by its accessor.
        name = fetch.name.target.lower() if fetch.guessed else attribute.removesuffix("_set")
        other.append(f'annotate({name}_count=Count("{name}", distinct=True))')
    elif fetch.kind == "first":
        key = fetch.burst.child_columns[0] if fetch.burst.child_columns else "…"
        order = ", ".join(f'"{column}"' for column in fetch.sort or ("…",))
        found = f'{fetch.name.target}.objects.filter({key}=OuterRef("pk")).order_by({order})'
        other.append(f'annotate(first_pk=Subquery({found}.values("pk")[:1]))')
    else:
        many = many or fetch.to_many or fetch.name.generic
        below = [child for child in fetch.children if child.kind == "rows"]
        if not below or not many:
            (fetched if many else joined).append(path)
        for child in below:
            _collect(
                child,
                f"{path}__{accessor(child, child.name.attribute)}",
                child.name.attribute,
                joined,
                fetched,
                other,
                many=many,
            )


def _loop(fetch: Fetch, variable: str, depth: int) -> list[str]:
    indent = "    " * depth
    if fetch.kind == "columns":
        return [f"{indent}{variable}.…  # a deferred column: one query each"]
    path = f"{variable}.{accessor(fetch, fetch.name.attribute)}"
    if fetch.joined:
        return [line for child in fetch.children for line in _loop(child, path, depth)]
    if fetch.kind == "count":
        return [f"{indent}{path}.count()  # one query each"]
    if fetch.kind == "first":
        return [f"{indent}{path}.order_by(…).first()  # one query each"]
    inner = fetch.name.target.lower()
    if fetch.to_many:
        head = [f"{indent}for {inner} in {path}.all():  # one query each"]
        below = [line for child in fetch.children for line in _loop(child, inner, depth + 1)]
        return head + (below or [f"{indent}    …"])
    below = [line for child in fetch.children for line in _loop(child, path, depth)]
    return [f"{indent}{path}  # one query each", *below]


def _note(fetches: Sequence[Fetch]) -> str:
    notes = []
    if any(fetch.burst.executions and fetch.to_many for fetch in fetches):
        notes.append(
            "A filter(), order_by() or slice on the prefetched manager queries again: put it into Prefetch(queryset=…)."
        )
    if any(len(fetch.names) > 1 for fetch in fetches):
        notes.append(
            "Several foreign keys lead to the same table and give the same statement: keep those that the loop uses."
        )
    return " ".join(notes)
