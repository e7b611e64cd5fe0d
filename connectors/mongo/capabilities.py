"""What the server is, and what this user may see of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from advisor.errors import AdvisorError
from advisor.model.capture import Coverage, Server
from connectors.mongo.session import Session


@dataclass(frozen=True, slots=True)
class Facts:
    """The server, the members of its replica set other than the one we speak to, and the profiler of each database."""

    server: Server
    members: tuple[str, ...]
    sharded: bool
    profilers: tuple[tuple[str, int | None, int | None], ...]

    def coverage(self) -> tuple[Coverage, ...]:
        """One line a database's profiler, and what a mongos cannot tell."""
        found = []
        if self.sharded:
            found.append(
                Coverage(
                    "profiler", False, "A mongos keeps no profile: the shards have their own logs and profiles.",
                    "Pass the shards' logs with --log, or scan each shard's primary.",
                )
            )  # fmt: skip
        for database, level, slow in self.profilers:
            if level is None:
                found.append(
                    Coverage(
                        "profiler", False, f"The profiler of {database} cannot be read by this user.",
                        'db.getSiblingDB("admin").grantRolesToUser("USER", ["clusterMonitor"])',
                    )
                )  # fmt: skip
            elif level == 0:
                found.append(
                    Coverage(
                        "profiler", False, f"The profiler of {database} is off; the log has what took {slow} ms.",
                        f'On staging: db.getSiblingDB("{database}").setProfilingLevel(2)',
                    )
                )  # fmt: skip
            else:
                what = "everything" if level == 2 else f"what took {slow} ms or more"
                found.append(Coverage("profiler", True, f"The profiler of {database} keeps {what}.", count=level))
        return tuple(found)


async def read_facts(session: Session) -> Facts:
    """Ask the server what it is. Raises what the session raises when it answers nothing."""
    hello = await session.command("admin", "hello")
    build: dict[str, Any] = {}
    try:
        build = await session.command("admin", "buildInfo")
    except AdvisorError:
        build = {"version": ""}
    version = str(build.get("version", ""))
    sharded = hello.get("msg") == "isdbgrid"
    hosts = [str(host) for host in (*hello.get("hosts", ()), *hello.get("passives", ()))]
    own = str(hello.get("me", ""))
    profilers = [] if sharded else [await _profiler(session, database) for database in await session.databases()]
    parts = [int(part) for part in version.split("-")[0].split(".")[:3] if part.isdigit()]
    number = sum(part * scale for part, scale in zip(parts, (10_000, 100, 1), strict=False))
    server = Server(
        "mongodb", version, number, session.name, session.database,
        replica=bool(hello.get("secondary")), replicas=max(len(hosts) - 1, 0) if hosts else None,
    )  # fmt: skip
    return Facts(server, tuple(host for host in hosts if host != own), sharded, tuple(profilers))


async def _profiler(session: Session, database: str) -> tuple[str, int | None, int | None]:
    """The level is read with -1, which changes nothing."""
    try:
        answer = await session.command(database, "profile", -1)
    except AdvisorError:
        return database, None, None
    return database, int(answer.get("was", 0)), int(answer.get("slowms", 100))
