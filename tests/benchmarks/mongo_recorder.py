"""What the recorder costs a request of 20 commands: ``python -m tests.benchmarks.mongo_recorder [URL]``.

PyMongo, sync and async, requests with the listener, with an empty one (the driver's own price of any listener) and
without in turn; CPU time of this process and wall clock. Without a URL SecantusDB is started: its answers come slower
than a mongod's, so that the wall clock flatters, the CPU time does not. Target: under 5 % of the request.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener

from advisor.record import Recorder

COMMANDS, REQUESTS, WARM_UP = 20, 200, 20


@contextmanager
def server() -> Iterator[str]:
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).with_name("secantusd-py")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "--port", str(port), "--storage-path", f"{folder}/data", "--log-level", "ERROR"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with MongoClient[dict[str, Any]](f"mongodb://127.0.0.1:{port}") as client:
                for _ in range(60):
                    try:
                        client.admin.command("ping")
                        break
                    except PyMongoError:
                        time.sleep(0.5)
            yield f"mongodb://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


class Empty(CommandListener):
    def started(self, event: Any) -> None:
        pass

    succeeded = failed = started


def request(database: Any) -> None:
    for number in range(COMMANDS):
        list(database.orders.find({"user_id": number, "status": "new"}, {"total": 1}).sort("_id", -1).limit(20))


async def request_async(database: Any) -> None:
    for number in range(COMMANDS):
        found = database.orders.find({"user_id": number, "status": "new"}, {"total": 1}).sort("_id", -1).limit(20)
        await found.to_list()


def told(title: str, turns: dict[str, list[tuple[float, float]]]) -> None:
    for place, kind in enumerate(("CPU", "wall clock")):
        base, empty, full = (statistics.median(times[place] for times in found) for found in turns.values())
        print(
            f"{title}, {kind}: {base * 1000:.2f} ms; empty listener {empty / base - 1:+.1%}, "
            f"recorder {full / base - 1:+.1%}, its own part {(full - empty) / base:+.1%}"
        )


def clocked(recorder: Recorder, once: Callable[[str], None]) -> dict[str, list[tuple[float, float]]]:
    turns: dict[str, list[tuple[float, float]]] = {"without": [], "empty": [], "with": []}
    for number in range(WARM_UP + REQUESTS):
        for name, found in turns.items():
            spent, started = time.process_time(), time.perf_counter()
            with recorder.unit("/request"):
                once(name)
            if number >= WARM_UP:
                found.append((time.process_time() - spent, time.perf_counter() - started))
    return turns


def main() -> None:
    with server() as url, asyncio.Runner() as runner:
        recorder = Recorder(root=Path.cwd())
        listeners = {"without": [], "empty": [Empty()], "with": [recorder.pymongo()]}
        clients = {name: MongoClient[dict[str, Any]](url, event_listeners=given) for name, given in listeners.items()}
        orders = clients["without"].bench.orders
        orders.drop()
        orders.insert_many([{"user_id": n % COMMANDS, "status": "new", "total": n} for n in range(400)])
        orders.create_index([("user_id", 1)])
        told("sync", clocked(recorder, lambda name: request(clients[name].bench)))
        for client in clients.values():
            client.close()

        async def opened() -> dict[str, AsyncMongoClient[dict[str, Any]]]:
            return {name: AsyncMongoClient(url, event_listeners=given) for name, given in listeners.items()}

        others = runner.run(opened())

        def run(work: Coroutine[Any, Any, None]) -> None:
            runner.run(work)

        told("async", clocked(recorder, lambda name: run(request_async(others[name].bench))))
        for other in others.values():
            runner.run(other.close())
        print(f"{len(recorder.events)} events, {recorder.failures} failures")


if __name__ == "__main__":
    main()
