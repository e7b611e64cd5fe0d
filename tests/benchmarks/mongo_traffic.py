"""An application's commands on a MongoDB, as a log's lines at slowms 0 and a profiler's documents at level 2."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

Document = dict[str, Any]
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)


@dataclass
class Client:
    """One session on one connection of an application's pool."""

    server: Server
    connection: int
    session: UUID
    at: float = 0.0
    application: str = "forum"
    comment: str = ""
    transaction: int = 0
    old_uuid: bool = False

    def wait(self, seconds: float) -> None:
        self.at += seconds

    def command(self, command: Document, **facts: Any) -> None:
        """A command with its answer; ``plan``, ``keys``, ``docs``, ``returned``, ``ms``, ``cursor``, ``first``."""
        name, collection = next(iter(command.items()))
        sent = {**command, **self._added()}
        self.server.tell(self, collection if name != "getMore" else command["collection"], sent, facts)

    def find(self, collection: str, condition: Document, returned: int = 1, **more: Any) -> None:
        given: Document = {key: more.pop(key) for key in ("plan", "keys", "docs", "ms", "cursor") if key in more}
        plan = "IDHACK" if list(condition) == ["_id"] and not isinstance(condition["_id"], dict) else "COLLSCAN"
        facts = {"plan": plan, "keys": returned, "docs": returned, "returned": returned, **given}
        self.command({"find": collection, "filter": condition, **more}, **facts)

    def one(self, collection: str, condition: Document, **more: Any) -> None:
        self.find(collection, condition, 1, limit=1, singleBatch=True, **more)

    def aggregate(self, collection: str, *stages: Document, returned: int = 1, **facts: Any) -> None:
        told = {"plan": "COLLSCAN", "keys": 3, "docs": 3, "returned": returned, **facts}
        self.command({"aggregate": collection, "pipeline": list(stages), "cursor": {}}, **told)

    def write(self, kind: str, collection: str, *statements: Document) -> None:
        """An update or delete command with its statements."""
        self.server.tell_write(self, kind, collection, statements, self._added())

    def insert(self, collection: str, count: int) -> None:
        self.command({"insert": collection, "ordered": True}, inserted=count)

    def _added(self) -> Document:
        identity: Document = {"$uuid": str(self.session)}
        if self.old_uuid:
            identity = {"$binary": {"base64": base64.b64encode(self.session.bytes).decode(), "subType": "04"}}
        found: Document = {"comment": self.comment} if self.comment else {}
        found |= {"lsid": {"id": identity}}
        if self.transaction:
            found |= {"txnNumber": self.transaction, "autocommit": False}
        return {**found, "$clusterTime": {"clusterTime": {"$timestamp": {"t": 1772355600, "i": 1}}}, "$db": "forum"}


@dataclass
class Server:
    """What it tells of operations: log lines and profiler documents, in the order of time."""

    random: Random = field(default_factory=lambda: Random(7))
    told: list[tuple[float, int, Document, Document | None]] = field(default_factory=list)
    connections: int = 40

    def client(self, at: float, **more: Any) -> Client:
        self.connections += 1
        return Client(self, self.connections, UUID(int=self.random.getrandbits(128), version=4), at, **more)

    def tell(self, client: Client, collection: str, sent: Document, facts: Document) -> None:
        ms = facts.get("ms", 0)
        client.at += max(ms, self.random.uniform(0.6, 1.4)) / 1000
        counts = {
            "planSummary": facts.get("plan"),
            "keysExamined": facts.get("keys"),
            "docsExamined": facts.get("docs"),
        }
        counts |= {
            "cursorid": facts.get("cursor"),
            "nreturned": facts.get("returned"),
            "ninserted": facts.get("inserted"),
        }
        if sent.get("getMore") is None and facts.get("cursor") is None and "inserted" not in facts:
            counts["cursorExhausted"] = True
        if facts.get("last"):
            counts["cursorExhausted"] = True
        attr = {"type": "command", "ns": f"forum.{collection}", "appName": client.application, "command": sent}
        if "first" in facts:
            attr["originatingCommand"] = facts["first"]
        attr |= {key: value for key, value in counts.items() if value is not None}
        operation = {"find": "query", "insert": "insert", "getMore": "getmore"}.get(next(iter(sent)), "command")
        self._append(client, "COMMAND", attr, ms, operation)

    def tell_write(
        self, client: Client, kind: str, collection: str, statements: tuple[Document, ...], added: Document
    ) -> None:
        for number, statement in enumerate(statements):
            client.at += self.random.uniform(0.6, 1.4) / 1000
            done = {"nMatched": 1, "nModified": 1} if kind == "update" else {"ndeleted": 1}
            attr = {
                "type": "update" if kind == "update" else "remove", "ns": f"forum.{collection}",
                "appName": client.application, "command": statement, "planSummary": "IDHACK", "keysExamined": 1,
                "docsExamined": 1, **done, "numYields": 0,
                "locks": {"Collection": {"acquireCount": {"w": number + 1}}},
                "flowControl": {"acquireCount": number + 1},
            }  # fmt: skip
            self._append(client, "WRITE", attr, 0, "update" if kind == "update" else "remove")
        outer = {"type": "command", "ns": "forum.$cmd", "appName": client.application,
                 "command": {kind: collection, "ordered": True, **added}, "numYields": 0,
                 "locks": {"Collection": {"acquireCount": {"w": len(statements)}}},
                 "flowControl": {"acquireCount": len(statements)}}  # fmt: skip
        self._append(client, "COMMAND", outer, 1, None)

    def _append(self, client: Client, part: str, attr: Document, ms: float, operation: str | None) -> None:
        moment = (BEGAN + timedelta(seconds=client.at)).isoformat(timespec="milliseconds")
        remote = f"10.0.0.9:{50_000 + client.connection}"
        line = {"t": {"$date": moment}, "s": "I", "c": part, "id": 51803, "ctx": f"conn{client.connection}",
                "msg": "Slow query",
                "attr": {**attr, "remote": remote, "protocol": "op_msg", "durationMillis": round(ms)}}  # fmt: skip
        profiled = None
        if operation is not None:
            renamed = {"numYields": "numYield", "cursorid": "cursorid"}
            own = {renamed.get(key, key): value for key, value in attr.items() if key != "type"}
            profiled = {"op": operation, **own, "millis": round(ms), "ts": {"$date": moment.replace("+00:00", "Z")},
                        "client": "10.0.0.9", "allUsers": [], "user": ""}  # fmt: skip
        self.told.append((client.at, len(self.told), line, profiled))

    def log(self) -> str:
        return "".join(json.dumps(line, separators=(",", ":")) + "\n" for _, _, line, _ in sorted(self.told, key=_when))

    def profile(self) -> str:
        return "".join(json.dumps(own) + "\n" for _, _, _, own in sorted(self.told, key=_when) if own is not None)


def _when(row: tuple[float, int, Document, Document | None]) -> tuple[float, int]:
    return row[:2]
