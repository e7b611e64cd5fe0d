"""A read for each document, and one read for all of them: the code for each driver of MongoDB.

The one batch of keys comes first (as Mongoose's populate sends it), ``$lookup`` only where its preconditions hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from advisor.model.recommendation import CodeChange
from advisor.model.workload import Burst, Relation
from advisor.recommend._relations import class_name, singular

_MANY = (Relation.ONE_TO_MANY, Relation.MANY_TO_MANY)


@dataclass(frozen=True, slots=True)
class Loop:
    """``child`` is read by its ``field``, which is compared with ``key`` of each document of ``parent``.

    ``many``: a document may have several of them.
    """

    parent: str
    child: str
    owner: str
    other: str
    field: str
    key: str
    many: bool


def loop_of(burst: Burst, text: str) -> Loop:
    """The loop of a burst; ``text`` is its child's canonical text."""
    child = burst.child_table.name if burst.child_table else ""
    field = burst.child_columns[0] if burst.child_columns else "_id"
    unknown = burst.relation is Relation.UNKNOWN and field != "_id" and '"limit":1' not in text
    many = burst.relation in _MANY or unknown
    guessed = "_id" if many else f"{singular(child)}_id"
    return Loop(
        parent=burst.parent_table.name if burst.parent_table else "",
        child=child,
        owner=class_name(burst.parent_table),
        other=class_name(burst.child_table),
        field=field,
        key=burst.parent_columns[0] if burst.parent_columns else guessed,
        many=many,
    )


def changes(loop: Loop) -> tuple[CodeChange, ...]:
    """The code before and after, one entry a driver."""
    return (_pymongo(loop), _beanie(loop), _mongoose(loop), _lookup(loop))


def _pymongo(loop: Loop) -> CodeChange:
    child, field, key = loop.child, loop.field, loop.key
    value = f"document['{key}']"
    if loop.many:
        before = f"await db.{child}.find({{'{field}': {value}}}).to_list()"
        after = (
            f"keys = list({{{value} for document in documents}})\nfound = {{}}\n"
            f"async for d in db.{child}.find({{'{field}': {{'$in': keys}}}}):\n"
            f"    found.setdefault(d['{field}'], []).append(d)\n"
            f"for document in documents:\n    document['{child}'] = found.get({value}, [])"
        )
    else:
        before = f"await db.{child}.find_one({{'{field}': {value}}})"
        after = (
            f"keys = list({{{value} for document in documents}})\n"
            f"found = {{d['{field}']: d async for d in db.{child}.find({{'{field}': {{'$in': keys}}}})}}\n"
            f"for document in documents:\n    document['{child}'] = found.get({value})"
        )
    return CodeChange(
        "pymongo", "PyMongo (async): one $in", f"for document in documents:\n    document['{child}'] = {before}", after,
        guessed=True,
    )  # fmt: skip


def _beanie(loop: Loop) -> CodeChange:
    field = "id" if loop.field == "_id" else loop.field
    value = "document.id" if loop.key == "_id" else f"document.{loop.key}"
    plain = f"await {loop.other}.find(In({loop.other}.{field}, keys)).to_list()"
    one = (
        f"await {loop.other}.find({loop.other}.{field} == {value}).to_list()"
        if loop.many
        else f"await document.fetch_link({loop.owner}.{loop.child})"
    )
    return CodeChange(
        "beanie", "Beanie: fetch_links, or In()",
        f"documents = await {loop.owner}.find(...).to_list()\nfor document in documents:\n    {one}",
        f"documents = await {loop.owner}.find(..., fetch_links=True).to_list()  # one $lookup\n"
        "# or, by plain keys (from beanie.operators import In):\n"
        f"# keys = list({{{value} for document in documents}})\n# {plain}",
        guessed=True,
        note=f"fetch_links joins what is declared as Link or BackLink by $lookup: {loop.child} needs an index on the "
        "joined field (its _id has one).",
    )  # fmt: skip


def _mongoose(loop: Loop) -> CodeChange:
    child, owner, other = loop.child, loop.owner, loop.other
    one = (
        f"{other}.find({{'{loop.field}': d.{loop.key}}})"
        if loop.many
        else f"{other}.findOne({{'{loop.field}': d.{loop.key}}})"
    )
    virtual = (
        f"schema.virtual('{child}', {{ref: '{other}', localField: '{loop.key}', foreignField: '{loop.field}', "
        f"justOne: {str(not loop.many).lower()}}});"
    )
    return CodeChange(
        "mongoose", "Mongoose: populate",
        f"const documents = await {owner}.find(filter).lean();\n"
        f"for (const d of documents) d.{child} = await {one}.lean();",
        f"// in the schema of {owner}: {virtual}\n"
        f"const documents = await {owner}.find(filter).populate({{path: '{child}', options: {{lean: true}}}}).lean();"
        "  // one $in",
        guessed=True,
        language="javascript",
        note=f"Where {loop.key} is declared with ref: '{other}', populate('{loop.key}') does without the virtual.",
    )  # fmt: skip


def _lookup(loop: Loop) -> CodeChange:
    each = "find" if loop.many else "findOne"
    return CodeChange(
        "mongosh", "$lookup, where its preconditions hold",
        f"db.{loop.parent}.find(filter)  // then db.{loop.child}.{each} for each",
        f"db.{loop.parent}.aggregate([\n  {{$match: filter}},\n"
        f"  {{$lookup: {{from: '{loop.child}', localField: '{loop.key}', foreignField: '{loop.field}', "
        f"as: '{loop.child}'}}}}\n])",
        guessed=True,
        note=f"Only with an index on {loop.child}.{loop.field}, equal types and collation; a missing local field "
        "matches null.",
        language="javascript",
    )  # fmt: skip
