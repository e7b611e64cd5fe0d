"""Bursts as a tree of relations to load, named as the application's models name them, or as a schema lets guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from advisor.model.catalog import Catalog, TableName
from advisor.model.shape import QueryShape
from advisor.model.workload import Burst, Relation
from advisor.models_reader import ModelRelation, Models
from advisor.recommend._joined import way_to

TO_MANY = (Relation.ONE_TO_MANY, Relation.MANY_TO_MANY)


@dataclass(frozen=True, slots=True)
class Name:
    """One way to name the relation: ``owner.attribute`` leads to ``target``.

    ``nullable``: there may be none. ``generic``: it may lead to several tables, so that no join can follow it.
    """

    owner: str
    attribute: str
    target: str
    nullable: bool = True
    generic: bool = False


@dataclass(frozen=True)
class Fetch:
    """One relation of the parent to load with it. ``names`` has more than one entry when the statements cannot tell.

    ``guessed``: the names come from tables and columns, not from models. ``kind``: "rows", "count" (COUNT, EXISTS,
    sums), "first" (ORDER BY … LIMIT for each parent) or "columns" (the same rows read again). ``missing``: columns of
    the child that its parent does not read, where both tell. ``sort``: the child's own order, ``-`` before what
    descends. ``joined``: its rows come with the parent's statement already; it only leads to ``children``.
    """

    burst: Burst
    shape: QueryShape
    names: tuple[Name, ...]
    guessed: bool
    kind: str
    children: tuple[Fetch, ...] = ()
    missing: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    joined: bool = False

    @property
    def to_many(self) -> bool:
        """Whether one parent has several of them."""
        return self.burst.relation in TO_MANY

    @property
    def name(self) -> Name:
        """The first of the names."""
        return self.names[0]

    def walk(self) -> Iterable[Fetch]:
        """This one and all below it, but for what is loaded already."""
        if not self.joined:
            yield self
        for child in self.children:
            yield from child.walk()


def trees(
    bursts: Sequence[Burst], shapes: Mapping[str, QueryShape], catalog: Catalog, models: Models | None
) -> dict[str, tuple[Fetch, ...]]:
    """The relations to load by the fingerprint of the outermost parent, most time saved first."""
    pairs = {(burst.parent, burst.child) for burst in bursts}
    roots: dict[str, list[Burst]] = {}
    for burst in bursts:
        if not burst.nested_in or not any(child == burst.nested_in for _, child in pairs):
            roots.setdefault(burst.parent, []).append(burst)
    return {
        parent: tuple(
            _joined(_fetch(burst, bursts, shapes, catalog, models, frozenset()), shapes[parent], catalog, models)
            for burst in children
        )
        for parent, children in roots.items()
    }


def _joined(fetch: Fetch, parent: QueryShape, catalog: Catalog, models: Models | None) -> Fetch:
    """``fetch`` below the relations that the parent's own joins have loaded."""
    if fetch.kind != "rows":
        return fetch
    for key in reversed(way_to(parent, fetch.burst.parent_table, catalog)):
        burst = replace(
            fetch.burst,
            relation=Relation.MANY_TO_ONE,
            parent_table=key.table,
            parent_columns=key.columns,
            child_table=key.referenced,
            child_columns=key.referenced_columns,
            link_table=None,
            linked_by=f"foreign key {key.name}",
            distinct_ratio=1.0,
        )
        found = tuple(_of_models(burst, models)) if models else ()
        names = found or _guessed(burst, catalog)
        fetch = Fetch(burst, parent, names[:1], not found, "rows", (fetch,), joined=True)
    return fetch


def _fetch(
    burst: Burst,
    bursts: Sequence[Burst],
    shapes: Mapping[str, QueryShape],
    catalog: Catalog,
    models: Models | None,
    above: frozenset[str],
) -> Fetch:
    seen = above | {burst.child}
    nested = [b for b in bursts if b.nested_in == burst.child and b.parent == burst.child and b.child not in seen]
    children = tuple(_fetch(child, bursts, shapes, catalog, models, seen) for child in nested)
    shape = shapes[burst.child]
    found = tuple(_of_models(burst, models)) if models else ()
    return Fetch(
        burst,
        shape,
        found or _guessed(burst, catalog),
        not found,
        kind_of(burst, shape),
        children,
        missing=tuple(sorted(_columns(shape, burst.child_table) - _columns(shapes[burst.parent], burst.child_table))),
        sort=tuple(
            f"{'-' if key.descending else ''}{key.column}"
            for block in shape.blocks
            if block.outer
            for key in block.sort
            if key.column and key.table == burst.child_table
        ),
    )


def _columns(shape: QueryShape, table: TableName | None) -> set[str]:
    return {column for block in shape.blocks for name, read in block.read if name == table for column in read} - {"*"}


def kind_of(burst: Burst, shape: QueryShape) -> str:
    """What the child asks of each parent."""
    if burst.relation is Relation.DEFERRED:
        return "columns"
    outer = [block for block in shape.blocks if block.outer]
    if any(block.aggregated and not block.group for block in outer) or _asks_whether(shape):
        return "count"
    return "first" if any(block.limited and block.sort for block in outer) and burst.relation in TO_MANY else "rows"


def _asks_whether(shape: QueryShape) -> bool:
    """``SELECT 1 … LIMIT 1`` (Django's and Rails' ``exists``) or ``SELECT EXISTS (…)``."""
    return bool(re.match(r"\s*SELECT\s+(\$\d+|1)(\s*(::|AS)\s*\S+)*\s+FROM|\s*SELECT\s+EXISTS\b", shape.text, re.I))


def _of_models(burst: Burst, models: Models) -> Iterable[Name]:
    """Those relations of the parent's model whose statement is the child's (research page, 4)."""
    for relation in models.relations:
        if not _same(relation.table, burst.parent_table):
            continue
        if not relation.target_table:
            if relation.local_columns == burst.parent_columns:
                target = class_name(burst.child_table)
                yield Name(relation.owner, relation.attribute, target, relation.nullable, generic=True)
        elif _leads(relation, burst):
            yield Name(relation.owner, relation.attribute, relation.target, relation.nullable)


def _leads(relation: ModelRelation, burst: Burst) -> bool:
    return (
        _same(relation.target_table, burst.child_table)
        and set(relation.columns) == set(burst.child_columns)
        and bool(relation.link_table) == (burst.link_table is not None)
        and (not relation.link_table or _same(relation.link_table, burst.link_table))
    )


def _same(told: str, table: TableName | None) -> bool:
    return table is not None and told in (table.name, str(table))


def _guessed(burst: Burst, catalog: Catalog) -> tuple[Name, ...]:
    owner = class_name(burst.parent_table, catalog)
    target = class_name(burst.child_table, catalog)
    if burst.relation in TO_MANY:
        return (Name(owner, _through(burst) or (burst.child_table.name if burst.child_table else "children"), target),)
    known = catalog.by_name.get(burst.parent_table) if burst.parent_table else None
    if burst.relation is Relation.ONE_TO_ONE and known and known.primary_key == burst.parent_columns:
        return (Name(owner, re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", target).lower(), target),)
    if burst.parent_columns == ("object_id",):
        return (Name(owner, "content_object", target, generic=True),)
    ways = [burst.parent_columns, *_alternatives(burst, catalog)]
    return tuple(
        Name(owner, attribute(columns[0]), target, _nullable(burst.parent_table, columns, catalog))
        for columns in ways
        if columns
    ) or (Name(owner, target.lower(), target),)


def _through(burst: Burst) -> str:
    """Django and Rails name the table of a many-to-many relation after the model's table and the relation."""
    if burst.link_table is None or burst.parent_table is None:
        return ""
    link, parent = burst.link_table.name, burst.parent_table.name
    return link.removeprefix(f"{parent}_") if link.startswith(f"{parent}_") else ""


def _alternatives(burst: Burst, catalog: Catalog) -> list[tuple[str, ...]]:
    """Other foreign keys of the parent to the same table, which give the same child statement."""
    if burst.parent_table is None or burst.relation is Relation.DEFERRED:
        return []
    return [
        key.columns
        for key in catalog.foreign_keys_of(burst.parent_table)
        if key.referenced == burst.child_table and key.columns != burst.parent_columns and key.name in burst.linked_by
    ]


def _nullable(table: TableName | None, columns: Sequence[str], catalog: Catalog) -> bool:
    known = catalog.by_name.get(table) if table else None
    if known is None:
        return True
    return any(column not in known.by_column or known.by_column[column].nullable for column in columns)


def attribute(column: str) -> str:
    """The attribute that a foreign key's column suggests: ``author_id`` -> ``author``."""
    return re.sub(r"(_(id|uuid|pk|fk)|Id|Uuid)\Z", "", column) or column


def class_name(table: TableName | None, catalog: Catalog | None = None) -> str:
    """The class that a table's name suggests: ``order_items`` -> ``OrderItem``.

    Where the catalog is Django's, the application's label stands before it: ``shop_order`` -> ``Order``.
    """
    if table is None:
        return "Parent"
    words = [word for word in re.split(r"_+", table.name) if word]
    if len(words) > 1 and catalog is not None and catalog.find("django_migrations", table.schema):
        words = words[1:]
    if words:
        words[-1] = singular(words[-1])
    return "".join(word[:1].upper() + word[1:] for word in words) or "Parent"


def singular(word: str) -> str:
    """The English singular, for the plurals that ORMs produce."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh|z)es\Z", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not re.search(r"(ss|us|is|news)\Z", word) else word
