"""SQLAlchemy 2: loader options on the parent's statement (documentation, "Relationship Loading Techniques")."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.model.recommendation import CodeChange
from advisor.recommend._relations import Fetch, Name

TITLE = "SQLAlchemy 2"
FEW_TARGETS = 0.5
"""Below this share of distinct keys a join would repeat each target's columns more than twice: load them by IN."""


def change(fetches: Sequence[Fetch], parent: str) -> CodeChange | None:
    """The statement of ``parent`` (a class name) before and after, with one option a relation."""
    table = fetches[0].burst.parent_table
    variable = table.name if table and table.name.isidentifier() else "rows"
    loops = [line for fetch in fetches for line in _loop(fetch, parent.lower(), 1)]
    before = "\n".join(
        [f"{variable} = session.scalars(select({parent})).all()", f"for {parent.lower()} in {variable}:", *loops]
    )
    options = [option for fetch in fetches if fetch.kind in ("rows", "columns") for option in options_of(fetch)]
    after = []
    if options:
        listed = "".join(f"        {option},\n" for option in options)
        statement = f"select({parent}).options(\n{listed}    )"
        after.append(f"{variable} = session.scalars(\n    {statement}\n).all()")
    else:
        after.append(f"{variable} = session.scalars(select({parent})).all()")
        if any(fetch.kind == "columns" for fetch in fetches):
            after.insert(0, "session = Session(engine, expire_on_commit=False)  # nor refresh() what was just read")
    after += [_grouped(fetch, variable) for fetch in fetches if fetch.kind in ("count", "first")]
    return CodeChange(
        tool="sqlalchemy",
        title=TITLE,
        before=before,
        after="\n".join(after),
        guard=_guard(fetches),
        guessed=any(fetch.guessed for top in fetches for fetch in top.walk()),
        note=_note(fetches),
    )


def options_of(fetch: Fetch) -> list[str]:
    """Loader options for one relation and those below it; one alternative a line where names are ambiguous."""
    if fetch.kind == "columns":
        return [f"undefer({fetch.name.owner}.{column})" for column in fetch.missing]
    found = []
    for name in fetch.names:
        below = [child for child in fetch.children if child.kind == "rows"]
        head = _option(fetch, name)
        if not below:
            found.append(head)
        found += [f"{head}.{tail}" for child in below for tail in options_of(child)]
    if len(fetch.names) > 1:
        found[1:] = [f"{option}  # or this one: both give the same statement" for option in found[1:]]
    return found


def _option(fetch: Fetch, name: Name) -> str:
    path = f"{name.owner}.{name.attribute}"
    # A collection never by join: rows multiply, and a LIMIT on the parent would force a subquery around it.
    if fetch.to_many or fetch.burst.distinct_ratio < FEW_TARGETS:
        return f"selectinload({path})"
    return f"joinedload({path})" if name.nullable else f"joinedload({path}, innerjoin=True)"


def _loop(fetch: Fetch, variable: str, depth: int) -> list[str]:
    indent = "    " * depth
    if fetch.kind == "count":
        return [f"{indent}# a COUNT or EXISTS on {fetch.name.target} for each"]
    if fetch.kind == "columns":
        return [f"{indent}{variable}.…  # a deferred or expired column: one query each"]
    path = f"{variable}.{fetch.name.attribute}"
    if fetch.joined:
        return [line for child in fetch.children for line in _loop(child, path, depth)]
    if not fetch.children:
        return [f"{indent}{path}  # one query each"]
    inner = fetch.name.target.lower()
    if fetch.to_many:
        head = f"{indent}for {inner} in {path}:  # one query each"
        return [head, *[line for child in fetch.children for line in _loop(child, inner, depth + 1)]]
    return [
        f"{indent}{inner} = {path}  # one query each",
        *[line for child in fetch.children for line in _loop(child, inner, depth)],
    ]


def _grouped(fetch: Fetch, variable: str) -> str:
    target = fetch.name.target
    column = f"{target}.{fetch.burst.child_columns[0]}" if fetch.burst.child_columns else f"{target}.…"
    keys = f"[each.{(fetch.burst.parent_columns or ('id',))[0]} for each in {variable}]"
    if fetch.kind == "first":
        order = ", ".join(
            f"{target}.{key.removeprefix('-')}{'.desc()' if key.startswith('-') else ''}"
            for key in fetch.sort or ("…",)
        )
        key = fetch.burst.child_columns[0] if fetch.burst.child_columns else "…"
        found = f"select({target}).where({column}.in_({keys})).distinct({column}).order_by({column}, {order})"
        return (
            "# the first of each; more than one: row_number() over (partition_by=…)\n"
            f"firsts = {{\n    each.{key}: each\n    for each in session.scalars(\n        {found}\n    )\n}}"
        )
    return (
        f"counts = dict(session.execute(\n    select({column}, func.count()).where({column}.in_({keys}))"
        f".group_by({column})\n).all())"
    )


def _guard(fetches: Sequence[Fetch]) -> str:
    tops = [next(iter(fetch.walk())) for fetch in fetches if fetch.kind == "rows"]
    names = [f"raiseload({fetch.name.owner}.{fetch.name.attribute})" for fetch in tops]
    return (
        f'.options({", ".join(names)}) where the relation must not be loaded, or lazy="raise_on_sql" on it'
        if names
        else ""
    )


def _note(fetches: Sequence[Fetch]) -> str:
    notes = []
    if any(fetch.kind == "columns" for fetch in fetches):
        notes.append(
            "The same rows are read again by primary key: deferred columns (undefer them), objects expired by commit "
            "(expire_on_commit=False), or session.get() in a loop over keys that were read just before."
        )
    if any(fetch.to_many for fetch in fetches):
        notes.append("selectinload sends one more statement for each 500 parents and keeps LIMIT intact.")
    if any(fetch.kind == "rows" for fetch in fetches):
        notes.append(
            "Under AsyncSession the option is not a choice: a lazy load outside awaitable_attrs raises MissingGreenlet."
        )
    return " ".join(notes)
