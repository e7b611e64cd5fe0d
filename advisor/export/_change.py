"""What every tool's module is given: an index to build or drop, both ways, as statements and as their parts."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from advisor import __version__
from advisor.errors import ExportError
from advisor.model.catalog import Index, TableName
from advisor.model.ddl import create_index, drop_index, fitting_name, index_body, qualified
from advisor.model.identifiers import quote
from advisor.model.recommendation import AddIndex, DropIndex, Method, Recommendation

WAIT_BUDGET = "15min"
"""How long a concurrent build may wait for others. Its waits block no read and no write, whereas a short lock_timeout
leaves an INVALID index behind (seen: 2 s against a writer open for 7 s)."""
SHORT_LOCK = "2s"
"""lock_timeout of the steps that do block others: ON ONLY, ATTACH PARTITION, a plain DROP INDEX."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A migration tool: its name on the command line, its own name, and its files' language (a Pygments lexer)."""

    name: str
    title: str
    language: str = "sql"
    databases: tuple[str, ...] = ("postgresql",)


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a user may say. ``down_revision``: Alembic's current head; ``app``: Django's app label."""

    wait_budget: str = WAIT_BUDGET
    down_revision: str = ""
    app: str = ""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration's identity: when, its slug, its revision (12 hex digits) and the one before it ("" if unknown).

    ``follows`` is the one before it by its file's name without ending, where tools know it by that.
    """

    at: datetime
    slug: str
    revision: str
    previous: str = ""
    follows: str = ""

    def stamp(self, step: int = 0) -> str:
        """``20261120164100``, ``step`` seconds later."""
        return f"{self.at + timedelta(seconds=step):%Y%m%d%H%M%S}"

    def milliseconds(self) -> int:
        """Since the epoch, as JavaScript's tools number their files."""
        return int(self.at.timestamp() * 1000)

    @property
    def dashed(self) -> str:
        """``add-ix-orders``."""
        return self.slug.replace("_", "-")

    @property
    def camel(self) -> str:
        """``AddIxOrders``."""
        return "".join(word.capitalize() for word in self.slug.split("_"))


@dataclass(frozen=True, slots=True)
class IndexChange:
    """An index to build (``adds``) or to drop, with the way back."""

    recommendation: Recommendation
    index: Index
    adds: bool
    partitions: tuple[TableName, ...] = ()

    @classmethod
    def of(cls, recommendation: Recommendation) -> IndexChange | None:
        """The change that a recommendation asks of the database's indexes; ``None`` when it asks something else."""
        match recommendation.action:
            case AddIndex(index=index, partitions=partitions):
                return cls(recommendation, index, adds=True, partitions=partitions)
            case DropIndex(index=index):
                return cls(recommendation, index, adds=False)
        return None

    @property
    def plain(self) -> bool:
        """Whether the keys are bare ascending columns and nothing else is special: what every tool can say itself."""
        index = self.index
        special = index.include or index.predicate or index.unique or index.method != "btree" or self.partitions
        bare = all(column.name and column.sql == quote(column.name) for column in index.columns)
        exact = self.adds or not index.definition or index.definition.partition(" ON ")[2].endswith(_bare(index))
        return bare and exact and not special

    @property
    def create(self) -> str:
        """CREATE INDEX CONCURRENTLY IF NOT EXISTS, on one line, without semicolon."""
        return create_index(self.index, if_not_exists=True)

    @property
    def create_once(self) -> str:
        """CREATE INDEX CONCURRENTLY, which fails loudly over a leftover of the same name."""
        return create_index(self.index)

    @property
    def drop(self) -> str:
        """DROP INDEX CONCURRENTLY IF EXISTS (not concurrently for a partitioned table's), without semicolon."""
        return drop_index(self.index, concurrently=not self.partitions)

    @property
    def name(self) -> str:
        """The index's quoted, qualified name."""
        return qualified(self.index)

    @property
    def is_valid(self) -> str:
        """A SELECT that gives one row when the index is there, on its table, and VALID."""
        return (
            f"SELECT 1 FROM pg_index WHERE indexrelid = to_regclass({literal(self.name)}) "
            f"AND indrelid = to_regclass({literal(self.index.table.sql)}) AND indisvalid"
        )

    @property
    def verify(self) -> str:
        """A DO block, without semicolon, that raises unless the index is VALID."""
        return textwrap.dedent(
            f"""\
            DO $advisor$
            BEGIN
              IF NOT EXISTS ({self.is_valid}) THEN
                RAISE EXCEPTION {literal(self.invalid_message.replace("%", "%%"))};
              END IF;
            END
            $advisor$"""
        )

    @property
    def invalid_message(self) -> str:
        """What a migration says when the index is not there or not VALID."""
        return f"index {self.name} is missing or INVALID; DROP INDEX CONCURRENTLY it and run again"

    @property
    def build(self) -> tuple[str, ...]:
        """The statements that build the index; more than one for a partitioned table, where each is a step.

        Those that block writes are DO blocks, so that every tool's every driver waits for its lock for a moment only.
        """
        if not self.partitions:
            return (self.create,)
        only, leaves, attachments = self.steps
        return (_briefly(only), *leaves, *map(_briefly, attachments))

    @property
    def steps(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """Over partitions: an empty index on the parent, each partition's own, and their attachments."""
        table = self.index.table
        leaves = [(leaf, self.leaf_name(leaf)) for leaf in self.partitions]
        only = index_body(self.index).replace(f"ON {table.sql}", f"ON ONLY {table.sql}", 1)
        unique = "UNIQUE " * self.index.unique
        return (
            f"CREATE {unique}INDEX IF NOT EXISTS {quote(self.index.name)} {only}",
            tuple(
                create_index(replace(self.index, table=leaf, name=name), if_not_exists=True) for leaf, name in leaves
            ),
            tuple(
                f"ALTER INDEX {self.name} ATTACH PARTITION {TableName(leaf.schema, name).sql}" for leaf, name in leaves
            ),
        )

    def leaf_name(self, leaf: TableName) -> str:
        """The name of one partition's index."""
        columns = "_".join(column.name or "expr" for column in self.index.columns)
        return fitting_name(f"ix_{leaf.name}_{columns}")

    @property
    def up(self) -> tuple[str, ...]:
        """Statements of the way there, without semicolons."""
        return self.build if self.adds else (self.drop,)

    @property
    def down(self) -> tuple[str, ...]:
        """Statements of the way back."""
        return (self.drop,) if self.adds else self.build

    def only_whole_tables(self, tool: Tool) -> None:
        """Raise :class:`ExportError` for a partitioned table, whose many steps ``tool`` cannot take."""
        if self.partitions:
            raise ExportError(
                f"{tool.title} cannot build an index over partitions step by step; use the sql or alembic export."
            )

    def facts(self) -> Iterator[str]:
        """The head comment's lines: what, why, what it costs, how sure, whose word."""
        told = self.recommendation
        yield told.title
        yield f"Why: {told.problem}"
        yield f"Cost: {told.migration_impact.summary}"
        known = {Method.MEASURED: "measured", Method.PLANNER: "proven", Method.ESTIMATED: "estimated"}[
            told.benefit.method
        ]
        planner = f" by {told.benefit.planner}" if told.benefit.planner else ""
        if self.adds and any(column.expression for column in self.index.columns):
            yield f"Afterwards: ANALYZE {self.index.table.sql}, since the planner knows nothing of the expression yet"
        yield f"Confidence: {told.confidence.value}; the benefit is {known}{planner}"
        yield f"Query Advisor {__version__}, recommendation {told.id}"

    def comment(self, mark: str) -> str:
        """The head comment with ``mark`` before each line, wrapped at 110 columns, ending in a newline."""
        lines = [
            line
            for fact in self.facts()
            for line in textwrap.wrap(" ".join(fact.split()), 110 - len(mark), subsequent_indent="  ")
        ]
        return "".join(f"{mark} {line}\n" for line in lines)


def revision_of(identity: str) -> str:
    """Twelve hex digits that stay the same for the same recommendation."""
    return hashlib.sha256(identity.encode()).hexdigest()[:12]


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _briefly(statement: str) -> str:
    return f"DO $advisor$ BEGIN SET LOCAL lock_timeout = {literal(SHORT_LOCK)}; {statement}; END $advisor$"


def _bare(index: Index) -> str:
    return "(" + ", ".join(column.sql for column in index.columns) + ")"
