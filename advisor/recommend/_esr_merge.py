"""Wishes of many queries -> few indexes: one that begins with what another wants serves both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from advisor.model.catalog import Catalog, Index, IndexColumn, TableName
from advisor.model.mongosh import index_name, key_document
from advisor.recommend._esr import Wish

Groups = list[frozenset[str]]


@dataclass
class Plan:
    """An index in the making: groups of equality fields whose inner order is free, then fields in order."""

    table: TableName
    groups: Groups
    ordered: list[tuple[str, bool]]
    collation: str
    sparse: bool
    optional: list[str] = field(default_factory=list)
    covering: list[str] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)


def merged(wishes: Iterable[Wish], catalog: Catalog) -> list[Index]:
    """The indexes that serve all wishes, by table and keys."""
    plans: list[Plan] = []
    for wish in sorted(set(wishes), key=_largest_first):
        if not any(_fits(plan, wish) for plan in plans):
            plans.append(
                Plan(
                    wish.table, [wish.equal] if wish.equal else [], list(wish.ordered), wish.collation, wish.sparse,
                    list(wish.optional), list(wish.covering), [wish],
                )
            )  # fmt: skip
    found = {(index.table, index.name): index for index in (index_of(plan, catalog) for plan in plans)}
    return [found[key] for key in sorted(found)]


def _largest_first(wish: Wish) -> tuple[int, int, tuple[str, ...], tuple[tuple[str, bool], ...], str]:
    return (-len(wish.equal) - len(wish.ordered), -len(wish.equal), wish.fields, wish.ordered, wish.fingerprint)


def serves(index: Index, wish: Wish) -> bool:
    """Whether an index begins with all that the wish needs: its equality fields in any order, then its ordered ones.

    Optional and covering fields are not asked for. A hidden index serves nothing. A sparse one holds all that a wish
    asks for which compares one of its fields with something that is not null; a partial one where its filter asks for
    no more than that fields exist which the wish compares so (the values of others are not known here).
    """
    if index.table != wish.table or index.method not in ("btree",) or index.options.get("hidden") == "true":
        return False
    if index.options.get("sparse") == "true" and not wish.present & set(index.keys):
        return False
    if index.predicate and not _exist_only(index.predicate) <= wish.present:
        return False
    if (index.options.get("collation", "") or "") != wish.collation and not _same_collation(index, wish):
        return False
    keys = [(column.key, column.descending) for column in index.columns]
    count = len(wish.equal)
    if {name for name, _ in keys[:count]} != wish.equal:
        return False
    rest = keys[count : count + len(wish.ordered)]
    if [name for name, _ in rest] != [name for name, _ in wish.ordered]:
        return False
    same = [own == asked for (_, own), (_, asked) in zip(rest, wish.ordered, strict=True)]
    return all(same) or not any(same) or not wish.sorts


def _exist_only(predicate: str) -> frozenset[str]:
    """The fields that a partial index's filter wants to exist; an impossible name where it wants more than that."""
    asked = json.loads(predicate)
    plain = all(condition == {"$exists": True} for condition in asked.values())
    return frozenset(asked) if plain else frozenset({""})


def _same_collation(index: Index, wish: Wish) -> bool:
    own = json.loads(index.options.get("collation", "null"))
    asked = json.loads(wish.collation or "null")
    return bool(own) and bool(asked) and all(own.get(key) == value for key, value in asked.items())


def _fits(plan: Plan, wish: Wish) -> bool:
    """Let the plan serve the wish too, by fixing an order that it left free; false when it cannot."""
    if (plan.table, plan.collation, plan.sparse) != (wish.table, wish.collation, wish.sparse):
        return False
    groups = _split(plan.groups, wish.equal)
    if groups is None:
        return False
    used, rest = groups
    names = list(wish.ordered)
    while names and rest and names[0][0] in rest[0] and not wish.sorts:
        name = names.pop(0)[0]
        others = rest[0] - {name}
        used, rest = [*used, frozenset([name])], [*([others] if others else []), *rest[1:]]
    if names and (rest or [name for name, _ in plan.ordered[: len(names)]] != [name for name, _ in names]):
        return False
    if not _directions(plan.ordered, wish):
        return False
    plan.groups = [*used, *rest]
    _take_optional(plan, wish)
    plan.wishes.append(wish)
    return True


def _split(groups: Groups, wanted: frozenset[str]) -> tuple[Groups, Groups] | None:
    """(groups that make up ``wanted``, the rest), splitting one group where needed; ``None`` when it is impossible."""
    used: Groups = []
    left = set(wanted)
    for number, group in enumerate(groups):
        if not left:
            return used, groups[number:]
        if group <= left:
            used.append(group)
            left -= group
        elif left <= group:
            return [*used, frozenset(left)], [group - left, *groups[number + 1 :]]
        else:
            return None
    return (used, []) if not left else None


def _directions(ordered: Sequence[tuple[str, bool]], wish: Wish) -> bool:
    if not wish.sorts:
        return True
    own = dict(ordered)
    same = [own[name] == way for name, way in wish.ordered if name in own]
    return all(same) or not any(same)


def _take_optional(plan: Plan, wish: Wish) -> None:
    """An optional field is kept only where the plan has no keys of others after the wish's."""
    if not plan.ordered and len(plan.wishes) == 1:
        for name in wish.optional:
            if name not in plan.optional and not any(name in group for group in plan.groups):
                plan.optional.append(name)


def index_of(plan: Plan, catalog: Catalog) -> Index:
    """The index of a plan, its free orders chosen: fields that an index begins with already, then the most distinct."""
    table = catalog.find(plan.table.name, plan.table.schema)
    first = {index.columns[0].key for index in table.indexes if not index.primary} if table else set()
    columns = table.by_column if table else {}

    def rank(name: str) -> tuple[bool, float, str]:
        stats = columns[name].stats if name in columns else None
        return (name not in first, -(stats.n_distinct if stats else 0.0), name)

    names = [(name, False) for group in plan.groups for name in sorted(group, key=rank)]
    several = len(plan.wishes) > 1 and bool(plan.ordered)
    tail = [(name, False) for name in ([] if several else plan.optional)] + [(name, False) for name in plan.covering]
    keys: dict[str, bool] = {}
    for name, descending in [*names, *plan.ordered, *tail]:
        keys.setdefault(name, descending)
    options = {"collation": plan.collation} if plan.collation else {}
    if plan.sparse:
        options["sparse"] = "true"
    index = Index(plan.table, tuple(IndexColumn(name, descending=way) for name, way in keys.items()), options=options)
    locale = json.loads(plan.collation).get("locale", "") if plan.collation else ""
    suffixes = ("_sparse" if plan.sparse else "", f"_{locale}" if locale else "")
    name = index_name(key_document(index)) + "".join(suffixes)
    return Index(plan.table, index.columns, name=name, options=options)
