"""The shadow itself: an embedded server with the target's schema and statistics, and files of the target's sizes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg

from advisor.errors import PlannerUnavailable
from advisor.model.catalog import Index, TableName
from advisor.model.page_layout import index_size, tree_height
from connectors.postgres.embedded import SUPERUSER, EmbeddedServer
from connectors.postgres.shadow.answers import Scope
from connectors.postgres.shadow.facts import stored_indexes
from connectors.postgres.shadow.files import grow_tree, set_pages
from connectors.postgres.shadow.load import LeftOut, Loader
from connectors.postgres.shadow.script import statements
from connectors.postgres.shadow.servers import ServerChoice

OWNER = "advisor"
_TEMPLATE = "shadow"
_SERVER_SETTINGS = {
    "autovacuum": "off",
    "jit": "off",
    "max_locks_per_transaction": "1024",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1d",
    "shared_buffers": "64MB",
    "max_connections": "40",
    # A new index's file is left as it is at commit, instead of being read into buffers for the WAL.
    "wal_skip_threshold": "0",
}
_PLANNING_SECONDS = 60

# The settings that plans and costs depend on (manual, 19.7 and 19.4.1); all can be set by any role.
PLANNER_SETTINGS = (
    *("seq_page_cost", "random_page_cost", "cpu_tuple_cost", "cpu_index_tuple_cost", "cpu_operator_cost"),
    *("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size", "min_parallel_index_scan_size"),
    *("max_parallel_workers_per_gather", "max_parallel_workers", "parallel_leader_participation"),
    *("effective_cache_size", "work_mem", "hash_mem_multiplier", "cursor_tuple_fraction", "constraint_exclusion"),
    *("from_collapse_limit", "join_collapse_limit", "geqo", "geqo_threshold", "geqo_effort", "geqo_seed"),
    *("geqo_pool_size", "geqo_generations", "geqo_selection_bias", "recursive_worktable_factor"),
)


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or index of the shadow, with what the target's statistics say of it."""

    oid: int
    schema: str
    name: str
    kind: str
    path: str | None
    pages: int
    rows: float
    visible: int

    @property
    def sql(self) -> str:
        """The quoted, qualified name."""
        return TableName(self.schema, self.name).sql


@dataclass(frozen=True, slots=True)
class Built:
    """A hypothetical index in one database: ids and names of what stands for it (one a partition), and its size."""

    oids: tuple[int, ...]
    names: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Unbuildable:
    """Why PostgreSQL refuses an index."""

    reason: str


@dataclass
class Database:
    """One copy of the shadow, planned in by one backend.

    ``asking`` is the owner's connection, ``admin`` the superuser's; ``built`` tells of the hypothetical indexes.
    """

    name: str
    oid: int
    asking: Any
    admin: Any
    built: dict[Index, Built | Unbuildable] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def refusal(self, indexes: Iterable[Index]) -> str:
        """Why one of these indexes cannot be tried, if so."""
        reasons = [
            f"index on {index.table} ({', '.join(index.keys)}) cannot be tried: {found.reason}"
            for index in indexes
            if isinstance(found := self.built[index], Unbuildable)
        ]
        return min(reasons, default="")

    def ids_of(self, indexes: Iterable[Index]) -> tuple[int, ...]:
        """The object ids of what stands for these indexes."""
        found = (self.built[index] for index in indexes)
        return tuple(sorted(oid for one in found if isinstance(one, Built) for oid in one.oids))

    def names_of(self, indexes: Iterable[Index]) -> dict[str, Index]:
        """Which index each name in a plan stands for."""
        return {
            name: index for index in indexes if isinstance(found := self.built[index], Built) for name in found.names
        }


class Cluster:
    """A running shadow. ``scripts``: schema and statistics, in this order; ``choice``: the server;
    ``settings``: the target's.

    Every database in it is a copy of the loaded one, for one backend each: hypothetical indexes that are visible to
    one statement are then nobody else's concern, and all backends plan at the same time.
    """

    def __init__(
        self, scripts: Sequence[Path], choice: ServerChoice, settings: Mapping[str, str], search_path: Sequence[str]
    ) -> None:
        self._scripts = scripts
        self._settings = settings
        self._search_path = search_path
        self.server = EmbeddedServer(version=choice.version, settings=_SERVER_SETTINGS, binaries=choice.binaries)
        self.databases: list[Database] = []
        self.relations: dict[int, Relation] = {}
        self.left_out: list[LeftOut] = []
        self.version = ""
        self._index_ids: dict[str, tuple[int, ...]] = {}

    async def open(self, backends: int) -> None:
        """Start, load and copy. Raises :class:`PlannerUnavailable` when the server cannot be had."""
        await asyncio.to_thread(self.server.start)
        try:
            await self._load()
            for number in range(backends):
                self.databases.append(await self._copy(number))
        except (asyncpg.PostgresError, OSError) as error:
            raise PlannerUnavailable(
                f"The embedded PostgreSQL could not take the schema ({error}); free disk space and try again."
            ) from error

    async def close(self) -> None:
        """End connections and server."""
        for database in self.databases:
            for connection in (database.asking, database.admin):
                connection.terminate()
        self.databases.clear()
        await asyncio.to_thread(self.server.stop)

    def file(self, database: Database, path: str) -> Path:
        """The file of a relation in one of the copies; ``path`` as ``pg_relation_filepath`` tells it."""
        return self.server.data / "base" / str(database.oid) / path.rsplit("/", 1)[-1]

    def scope(self, oids: Iterable[int]) -> Scope:
        """The tables and indexes among these relations."""
        seen = [self.relations[oid] for oid in oids if oid in self.relations]
        return Scope(
            tables=frozenset(r.sql for r in seen if r.kind not in {"i", "I"}),
            indexes=frozenset(f"{r.schema}.{r.name}" for r in seen if r.kind in {"i", "I"}),
        )

    def ids_of(self, names: Iterable[str]) -> tuple[int, ...]:
        """The object ids of existing indexes (``schema.name``), those on partitions included."""
        wanted = {oid for name in names for oid in self._index_ids.get(name, ())}
        return tuple(sorted(wanted))

    async def connect(self, database: str, user: str = OWNER) -> Any:
        """A new connection to one of the databases."""
        return await asyncpg.connect(self.server.url_of(database), user=user, statement_cache_size=0)

    async def _load(self) -> None:
        texts = [path.read_text(encoding="utf-8") for path in self._scripts if path.exists()]
        locale = "C" if any("-- database collation: C\n" in text for text in texts) else "C.UTF-8"
        root = await self.connect(SUPERUSER, SUPERUSER)
        self.version = (await root.fetchval("SHOW server_version")).split()[0]
        await root.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0 LOCALE '{locale}'")
        admin = await self.connect(_TEMPLATE, SUPERUSER)
        await admin.execute(Path(__file__).with_name("ask.sql").read_text(encoding="utf-8"))
        owner = await self.connect(_TEMPLATE)
        await owner.execute(f"SET statement_timeout = '{_PLANNING_SECONDS}s'; SET check_function_bodies = off")
        restores = self.server.version >= 18
        if not restores:
            await admin.execute(Path(__file__).with_name("restore_statistics.sql").read_text(encoding="utf-8"))
        loader = Loader(owner, admin, restores)
        for text in texts:
            await loader.load(statements(text))
        self.left_out = loader.left_out
        await admin.execute("ANALYZE pg_class, pg_index, pg_attribute, pg_statistic, pg_depend; CHECKPOINT")
        await self._read_relations(admin)
        await self._finish_indexes(admin)
        await owner.close()
        await admin.close()
        await root.close()

    async def _read_relations(self, admin: Any) -> None:
        rows = await admin.fetch(
            "SELECT c.oid, n.nspname, c.relname, c.relkind::text, pg_relation_filepath(c.oid) AS path, c.relpages, "
            "c.reltuples, c.relallvisible FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i', 'p', 'I', 'v') AND n.nspname !~ '^pg_'"
        )
        for row in rows:
            relation = Relation(*row.values())
            self.relations[relation.oid] = relation
        members = await admin.fetch(
            "SELECT c.oid, array_agg(p.relid::oid) AS oids FROM pg_class c, LATERAL (SELECT c.oid::regclass AS relid "
            "UNION SELECT relid FROM pg_partition_tree(c.oid)) p "
            "WHERE c.relkind IN ('i', 'I') AND c.oid >= 16384 GROUP BY c.oid"
        )
        for row in members:
            if (index := self.relations.get(row["oid"])) is not None:
                self._index_ids[f"{index.schema}.{index.name}"] = tuple(sorted(row["oids"]))

    async def _finish_indexes(self, admin: Any) -> None:
        """Give existing btrees the height of the target's, and indexes without statistics an estimated size."""
        for index in await stored_indexes(admin, self.server.data):
            size = index_size(index.facts)
            if index.facts.method == "btree":
                height = tree_height(index.pages, index.facts.keys) if index.pages > 1 else size.height
                grow_tree(self.server.data / index.path, height)
            if index.pages <= 1 and index.facts.rows > 1 and not index.partial:
                known = self.relations[index.oid]
                self.relations[index.oid] = replace(known, pages=size.pages, rows=index.facts.rows)

    async def _copy(self, number: int) -> Database:
        name = f"{_TEMPLATE}_{number}"
        root = await self.connect(SUPERUSER, SUPERUSER)
        # A file copy takes the index files as they lie on disk, and their pages are in no buffer yet.
        strategy = " STRATEGY file_copy" if self.server.version >= 15 else ""  # before 15 there is no other
        await root.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} OWNER {OWNER}{strategy}")
        oid = await root.fetchval("SELECT oid FROM pg_database WHERE datname = $1", name)
        await root.close()
        database = Database(name, oid, await self.connect(name), await self.connect(name, SUPERUSER))
        await asyncio.to_thread(self._size_files, database)
        await self._configure(database.asking)
        return database

    def _size_files(self, database: Database) -> None:
        for relation in self.relations.values():
            if relation.path and relation.pages > (1 if relation.kind == "i" else 0):
                set_pages(self.file(database, relation.path), relation.pages)

    async def _configure(self, connection: Any) -> None:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        wanted = {
            name: value
            for name, value in self._settings.items()
            if name in PLANNER_SETTINGS or name.startswith("enable_")
        }
        known = {row[0] for row in await connection.fetch("SELECT name FROM pg_settings")}
        for name, value in {**wanted, "statement_timeout": f"{_PLANNING_SECONDS}s"}.items():
            if name in known:
                await connection.execute("SELECT set_config($1, $2, false)", name, value)
        path = ", ".join('"' + part.replace('"', '""') + '"' for part in self._search_path)
        await connection.execute("SELECT set_config('search_path', $1, false)", path or "public")
