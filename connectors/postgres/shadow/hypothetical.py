"""Hypothetical indexes: real ones, made while their tables' files are cut to nothing, invisible until asked for."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence

import asyncpg

from advisor.model.catalog import Index
from advisor.model.ddl import index_body
from advisor.model.page_layout import IndexFacts, IndexSize, index_size
from connectors.postgres.shadow.asking import Question, ask
from connectors.postgres.shadow.cluster import Built, Cluster, Database, Unbuildable
from connectors.postgres.shadow.expressions import derive_statistics
from connectors.postgres.shadow.facts import StoredIndex, stored_indexes
from connectors.postgres.shadow.files import cut, grow_tree, set_pages, uncut

PREFIX = "advisor_hypothetical_"
_BATCH = 100


async def build(cluster: Cluster, database: Database, indexes: Sequence[Index]) -> None:
    """Make those of ``indexes`` that ``database`` lacks; afterwards ``database.built`` knows each of them."""
    missing = [index for index in dict.fromkeys(indexes) if index not in database.built]
    if not missing:
        return
    tables = await _tables(database, missing)
    for index in missing:
        if index.table.sql not in tables:
            database.built[index] = Unbuildable(f"the shadow has no table {index.table}")
    names = {index: f"{PREFIX}{next(database.numbers)}" for index in missing if index not in database.built}
    heaps = {oid for index in names for oid in tables[index.table.sql]}
    files = [(cluster.file(database, r.path), r.pages) for oid in sorted(heaps) if (r := cluster.relations[oid]).path]
    # A backend that has the table open would go on from its last segment; a new one sees that the first is empty.
    connection = await cluster.connect(database.name)
    try:
        for file, _ in files:
            cut(file)
        await _create(connection, database, names)
    finally:
        for file, pages in files:
            uncut(file, pages)
        await connection.close()
    made = {name: index for index, name in names.items() if index not in database.built}
    try:
        await _finish(cluster, database, made)
    except OSError as error:  # a full disk: these stay invisible, everything else goes on
        database.built.update((index, Unbuildable(str(error))) for index in made.values())


async def _tables(database: Database, indexes: Sequence[Index]) -> dict[str, list[int]]:
    """The tables by SQL name, each with its own object id and those of its partitions."""
    rows = await database.admin.fetch(
        "SELECT name, array_agg(p.relid::oid) AS oids FROM unnest($1::text[]) name, "
        "LATERAL (SELECT to_regclass(name) AS relid UNION SELECT relid FROM pg_partition_tree(to_regclass(name))) p "
        "WHERE p.relid IS NOT NULL GROUP BY name",
        sorted({index.table.sql for index in indexes}),
    )
    return {row["name"]: row["oids"] for row in rows}


async def _create(connection: asyncpg.Connection, database: Database, names: dict[Index, str]) -> None:
    statements = {index: f"CREATE INDEX {name} {index_body(index)}" for index, name in names.items()}
    for start in range(0, len(statements), _BATCH):
        batch = dict(itertools.islice(statements.items(), start, start + _BATCH))
        try:
            await connection.execute(";\n".join(batch.values()))
        except asyncpg.PostgresConnectionError:
            raise
        except asyncpg.PostgresError:
            for index, statement in batch.items():
                try:
                    await connection.execute(statement)
                except asyncpg.PostgresConnectionError:
                    raise
                except asyncpg.PostgresError as error:
                    database.built[index] = Unbuildable(" ".join(str(error).split()))


async def _finish(cluster: Cluster, database: Database, indexes: dict[str, Index]) -> None:
    """Size the new indexes, make them invisible, and give their tables' statistics back what CREATE INDEX took."""
    rows = await database.admin.fetch(
        "SELECT c.relname, array_agg(p.relid::oid) AS oids FROM pg_class c, LATERAL (SELECT c.oid::regclass AS relid "
        "UNION SELECT relid FROM pg_partition_tree(c.oid)) p WHERE c.relname = ANY ($1) GROUP BY c.relname",
        list(indexes),
    )
    members = {row["relname"]: row["oids"] for row in rows}
    oids = sorted(itertools.chain.from_iterable(members.values()))
    # Invisible before the first statement is planned, which would read, and keep, their empty first pages.
    await database.admin.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = ANY ($1::oid[])", oids)
    heaps = await database.admin.fetch(
        "SELECT DISTINCT indrelid FROM pg_index WHERE indexrelid = ANY ($1::oid[]) ORDER BY 1", oids
    )
    await _restore_tables(cluster, database, [row[0] for row in heaps])
    await derive_statistics(database.admin, oids)
    stored = {index.oid: index for index in await stored_indexes(database.admin, cluster.server.data, oids)}
    shares = await _shares(cluster, database, indexes, members, stored)
    sizes = {oid: index_size(_scaled(index.facts, shares.get(oid, 1.0))) for oid, index in stored.items()}
    names = {oid: leaf for name in indexes for oid, leaf in _leaf_names(name, members[name], stored)}
    records = [
        {"oid": oid, "pages": sizes[oid].pages, "rows": index.facts.rows * shares.get(oid, 1.0), "name": names[oid]}
        for oid, index in stored.items()
    ]
    await database.admin.execute(
        "UPDATE pg_class c SET relpages = s.pages, reltuples = s.rows, relname = s.name "
        "FROM json_to_recordset($1) AS s (oid oid, pages int, rows real, name text) WHERE c.oid = s.oid",
        json.dumps(records),
    )
    await asyncio.to_thread(_size_files, cluster, database, stored, sizes)
    for name, index in indexes.items():
        leaves = [oid for oid in sorted(members[name]) if oid in stored]
        database.built[index] = Built(
            oids=tuple(sorted(members[name])),
            names=tuple(names[oid] for oid in leaves),
            size_bytes=sum(sizes[oid].size_bytes for oid in leaves),
        )


async def _restore_tables(cluster: Cluster, database: Database, tables: Sequence[int]) -> None:
    """CREATE INDEX counts the rows it finds, before PostgreSQL 18 even with autovacuum off: none."""
    relations = [cluster.relations[oid] for oid in tables]
    known = [{"oid": r.oid, "pages": r.pages, "rows": r.rows, "visible": r.visible} for r in relations]
    await database.admin.execute(
        "UPDATE pg_class c SET relpages = s.pages, reltuples = s.rows, relallvisible = s.visible "
        "FROM json_to_recordset($1) AS s (oid oid, pages int, rows real, visible int) WHERE c.oid = s.oid "
        "AND (c.relpages, c.reltuples, c.relallvisible) IS DISTINCT FROM (s.pages, s.rows, s.visible)",
        json.dumps(known),
    )


async def _shares(
    cluster: Cluster,
    database: Database,
    indexes: dict[str, Index],
    members: dict[str, list[int]],
    stored: dict[int, StoredIndex],
) -> dict[int, float]:
    """The share of its table's rows that each partial index holds, as the planner estimates its predicate."""
    leaves = [(oid, indexes[name].predicate) for name in indexes for oid in members[name] if oid in stored]
    wanted = [(oid, predicate) for oid, predicate in leaves if predicate and stored[oid].facts.rows > 0]
    texts = []
    for oid, predicate in wanted:
        table = cluster.relations[stored[oid].table]
        texts.append(f"SELECT 1 FROM ONLY {table.sql} WHERE {predicate}")
    answers = await ask(database.asking, [Question((), (), tuple(texts))], "FORMAT JSON") if texts else []
    shares = {}
    for (oid, _), answer in zip(wanted, answers, strict=True):
        if answer.plan:
            rows = json.loads(answer.plan)[0]["Plan"]["Plan Rows"]
            shares[oid] = min(1.0, rows / stored[oid].facts.rows)
    return shares


def _scaled(facts: IndexFacts, share: float) -> IndexFacts:
    if share >= 1.0:
        return facts
    rows = facts.rows * share
    return IndexFacts(
        method=facts.method,
        keys=facts.keys,
        rows=rows,
        distinct=max(1.0, min(rows, facts.distinct)),
        merges=facts.merges,
        heap_pages=facts.heap_pages,
        pages_per_range=facts.pages_per_range,
    )


def _leaf_names(name: str, oids: Sequence[int], stored: dict[int, StoredIndex]) -> Iterator[tuple[int, str]]:
    """Names that tell whose the index of a partition is, whatever PostgreSQL called it."""
    for position, oid in enumerate(oid for oid in sorted(oids) if oid in stored):
        yield oid, name if len(oids) == 1 else f"{name}_{position}"


def _size_files(
    cluster: Cluster, database: Database, stored: dict[int, StoredIndex], sizes: dict[int, IndexSize]
) -> None:
    for oid, index in stored.items():
        file = cluster.file(database, index.path)
        if index.facts.method == "btree":
            grow_tree(file, sizes[oid].height)
        set_pages(file, sizes[oid].pages)
