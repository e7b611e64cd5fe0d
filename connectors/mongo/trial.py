"""The sandbox: collections that an index can be tried on, and the indexes that are really built there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo.errors import PyMongoError

from advisor.errors import AdvisorError, ConnectionFailed, SandboxError, SourceError
from advisor.model.capture import Server
from advisor.model.catalog import Index, TableName
from advisor.model.mongosh import key_document, option_document
from connectors.mongo.sample import Sample, copy
from connectors.mongo.session import Session, open_session, translated

PREFIX = "advisor_trial_"
"""What collections and indexes of a trial begin with; nobody else uses it."""
LOOKED_AT = 500
"""Documents from which the values of a query are taken."""


class Trial:
    """A database that may be changed. With a ``source`` the collections are samples of it; without one they are there.

    What was put there is dropped on close.
    """

    def __init__(self, session: Session, source: Session | None) -> None:
        self.session = session
        self.database = session.of(session.database)
        self.samples: dict[TableName, Sample] = {}
        self.missing: dict[TableName, str] = {}
        self.refused: dict[Index, str] = {}
        self._source = source
        self._built: dict[Index, str] = {}
        self._documents: dict[TableName, list[dict[str, Any]]] = {}

    def place(self, table: TableName) -> str:
        """The name of a collection in the sandbox."""
        if self._source is None:
            return table.name
        return PREFIX + hashlib.sha256(str(table).encode()).hexdigest()[:16]

    async def sweep(self) -> None:
        """Drop what a killed trial left."""
        for name in await self.database.list_collection_names():
            if name.startswith(PREFIX):
                await self.database.drop_collection(name)
            elif self._source is None and not name.startswith("system."):
                await self._sweep_indexes(name)

    async def _sweep_indexes(self, name: str) -> None:
        try:
            names = await self.database[name].index_information()
        except PyMongoError:  # a view has none
            return
        for index in names:
            if index.startswith(PREFIX):
                await self.database[name].drop_index(index)

    async def fill(self, tables: Iterable[TableName]) -> None:
        """See that the collections are there; why one is not is kept in ``missing``."""
        for table in sorted(set(tables) - self.samples.keys() - self.missing.keys()):
            try:
                self.samples[table] = await self._filled(table)
            except ConnectionFailed:
                raise
            except AdvisorError as error:
                self.missing[table] = str(error)

    async def _filled(self, table: TableName) -> Sample:
        place = self.place(table)
        if self._source is not None:
            sample = await copy(self._source, table, self.database, place)
        else:
            count = await self.database[place].estimated_document_count()
            sample = Sample(count, count)
        if not sample.documents:
            raise AdvisorError(f"{table} has no document in the sandbox to try an index on.")
        stages = [{"$sample": {"size": LOOKED_AT}}]
        self._documents[table] = await self.session.aggregate(self.database.name, place, *stages, size=LOOKED_AT)
        return sample

    def documents(self, table: TableName) -> Sequence[Mapping[str, Any]]:
        """Some documents of a collection, the same ones each time."""
        return self._documents.get(table, ())

    async def configure(self, indexes: frozenset[Index]) -> str:
        """Have exactly these of the trial's indexes; returns why it cannot be done, or nothing."""
        for index in sorted(self._built.keys() - indexes, key=repr):
            await self.database[self.place(index.table)].drop_index(self._built.pop(index))
        for index in sorted(indexes - self._built.keys(), key=repr):
            if index not in self.refused:
                await self._build(index)
        return next((self.refused[index] for index in sorted(indexes & self.refused.keys(), key=repr)), "")

    async def _build(self, index: Index) -> None:
        name = trial_name(index)
        options = {key: value for key, value in option_document(index).items() if key != "expireAfterSeconds"}
        specification = {"key": key_document(index), **options, "name": name}
        try:
            await self.database.command("createIndexes", self.place(index.table), indexes=[specification])
            self._built[index] = name
        except PyMongoError as error:
            self.refused[index] = str(translated(error))

    async def size(self, index: Index) -> int:
        """The bytes that the built index takes here, scaled to the whole collection; 0 when it was refused."""
        await self.fill([index.table])
        if index.table in self.missing or await self.configure(frozenset({index})):
            return 0
        stats = await self.session.command(self.database.name, "collStats", self.place(index.table))
        sample = self.samples[index.table]
        return int((stats.get("indexSizes") or {}).get(trial_name(index), 0) * sample.total / sample.documents)

    async def close(self) -> None:
        """Drop what was put there and end both sessions."""
        try:
            await self.configure(frozenset())
            if self._source is not None:
                await self.sweep()
        except PyMongoError as error:
            raise SandboxError(f"What the trial built could not be dropped ({translated(error)}).") from error
        finally:
            await self.session.close()
            if self._source is not None:
                await self._source.close()


def trial_name(index: Index) -> str:
    """The name under which an index is built for a trial.

    >>> trial_name(Index(TableName("shop", "t"), ())).startswith(PREFIX)
    True
    """
    told = json.dumps([str(index.table), key_document(index), option_document(index)], default=str)
    return PREFIX + hashlib.sha256(told.encode()).hexdigest()[:16]


async def open_trial(sandbox_url: str, target: Server, source_url: str | None) -> Trial:
    """Open the sandbox for writing, and the database that its samples come from, for reading.

    Raises :class:`SandboxError` when the sandbox is the inspected database, names no database, is read-only, or cannot
    be reached.
    """
    try:
        session = await open_session(sandbox_url, building=True)
    except (ConnectionFailed, SourceError) as error:
        raise SandboxError(f"The sandbox cannot be used: {error}") from error
    source = None
    try:
        if not session.database:
            raise SandboxError(
                "The sandbox's URL names no database; add one that may be changed: mongodb://host/scratch."
            )
        hello = await session.command("admin", "hello")
        source = await open_session(source_url) if source_url else None
        asked = await source.command("admin", "hello") if source else {}
        if _same(session, hello, target, asked):
            raise SandboxError("The sandbox is the inspected database itself; name another one that may be changed.")
        if not hello.get("isWritablePrimary", hello.get("ismaster", False)):
            raise SandboxError("The sandbox is a secondary; name a server that can be written to.")
        trial = Trial(session, source)
        await trial.sweep()
    except BaseException as error:
        await session.close()
        if source is not None:
            await source.close()
        if isinstance(error, PyMongoError):
            raise SandboxError(f"The sandbox cannot be used: {translated(error)}") from error
        if isinstance(error, AdvisorError) and not isinstance(error, SandboxError | ConnectionFailed):
            raise SandboxError(f"The sandbox cannot be used: {error}") from error
        raise
    return trial


def _same(session: Session, hello: Mapping[str, Any], target: Server, asked: Mapping[str, Any]) -> bool:
    """Whether the sandbox's database is (one of) the inspected: one process or one replica set, and one name."""
    if target.database and target.database != session.database:
        return False
    process = (hello.get("topologyVersion") or {}).get("processId")
    if process is not None and process == (asked.get("topologyVersion") or {}).get("processId"):
        return True
    own = {str(host) for host in (*hello.get("hosts", ()), hello.get("me", ""), *_hosts(session.name)) if host}
    theirs = {str(host) for host in (*asked.get("hosts", ()), asked.get("me", ""), *_hosts(target.name)) if host}
    return bool(own & theirs)


def _hosts(name: str) -> list[str]:
    return name.partition("://")[2].partition("/")[0].split(",")
