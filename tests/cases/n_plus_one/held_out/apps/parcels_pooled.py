"""Parcels: eight clients at once on psycopg 3, through PgBouncer in transaction mode and through pools of their own.

PgBouncer (Debian: pgbouncer) runs as the server's user and pools three connections for the eight clients.
"""

from __future__ import annotations

import os
import random
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
from cases import M2O, O2M, Case, burst
from psycopg_pool import ConnectionPool

CLIENTS = 8


def courier_list(c: Any, n: int, comment: str = "") -> None:
    rows = c.execute(f"SELECT id, courier_id FROM parcels WHERE id > %s ORDER BY id LIMIT 12{comment}", (n,)).fetchall()
    for _, courier in rows:
        c.execute(f"SELECT name FROM couriers WHERE id = %s{comment}", (courier,)).fetchone()


def scan_list(c: Any, n: int, comment: str = "") -> None:
    rows = c.execute(f"SELECT id, state FROM parcels WHERE customer_id = %s{comment}", (n % 100 + 1,)).fetchall()
    for key, _ in rows:
        c.execute(f"SELECT place FROM scans WHERE parcel_id = %s ORDER BY id{comment}", (key,)).fetchall()


def one_parcel(c: Any, n: int, comment: str = "") -> None:
    c.execute(f"SELECT id, state, courier_id FROM parcels WHERE id = %s{comment}", (n,)).fetchone()
    c.execute(f"SELECT place FROM scans WHERE parcel_id = %s ORDER BY id{comment}", (n,)).fetchall()


def one_customer(c: Any, n: int, comment: str = "") -> None:
    c.execute(f"SELECT name FROM customers WHERE id = %s{comment}", (n % 100 + 1,)).fetchone()


def move(c: Any, n: int, comment: str = "") -> None:
    c.execute(f"UPDATE parcels SET state = 'moved' WHERE id = %s{comment}", (n,))


Work = Callable[..., None]


def eight(opened: Callable[[], Any], work: Callable[[Any, int], None]) -> None:
    """Eight clients, each with its own random numbers, its own pauses, and twelve requests."""

    def client(number: int) -> None:
        chance = random.Random(number)
        with opened() as connection:
            for _ in range(12):
                work(connection, chance.randrange(1, 1400))
                time.sleep(chance.uniform(0.001, 0.02))

    threads = [Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def some(*works: Work, comment: Callable[[], str] = str) -> Callable[[Any, int], None]:
    """One of the works, by the number."""
    return lambda c, n: works[n % len(works)](c, n, comment())


def in_transaction(work: Callable[[Any, int], None]) -> Callable[[Any, int], None]:
    def run(c: Any, n: int) -> None:
        with c.transaction():
            work(c, n)

    return run


def traced() -> str:
    return f" /*traceparent='00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01'*/"


class EachItsOwn:
    """Every statement on whatever connection of the pool is free."""

    def __init__(self, pool: ConnectionPool) -> None:
        self.pool = pool

    def execute(self, text: str, values: tuple[Any, ...]) -> Any:
        with self.pool.connection() as connection:
            return connection.execute(text, values)

    def __enter__(self) -> EachItsOwn:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class ARequest(EachItsOwn):
    """A connection for each request, given back after it."""

    def run(self, work: Callable[[Any, int], None], n: int) -> None:
        with self.pool.connection() as connection:
            work(connection, n)


COURIERS, SCANS = burst("couriers", "parcels", M2O), burst("scans", "parcels", O2M)

POSITIVE = [
    Case("bouncer_transactions", in_transaction(some(courier_list, one_parcel, one_customer)), (COURIERS,)),
    Case("bouncer_traced", some(scan_list, one_parcel, one_customer, comment=traced), (SCANS,)),
    Case("bouncer_autocommit", some(courier_list, one_customer), (COURIERS,)),
    Case("pool_a_request", some(scan_list, one_parcel, one_customer, move), (SCANS,)),
    Case("pool_a_request_autocommit", some(courier_list, one_parcel, move), (COURIERS,)),
    Case("pool_each_statement", some(scan_list, one_customer), (SCANS,)),
]
NEGATIVE = [
    Case("bouncer_traffic", some(one_parcel, one_customer, move), row="concurrent traffic"),
    Case("bouncer_traffic_in_transactions", in_transaction(some(one_parcel, move)), row="concurrent traffic"),
    Case("pool_traffic", some(one_parcel, one_customer, move), row="concurrent traffic"),
    Case("pool_traffic_each_statement", some(one_parcel, one_customer), row="concurrent traffic"),
]


@contextmanager
def bouncer(host: str, database: str) -> Iterator[str]:
    """PgBouncer in front of the server; the folder of its socket."""
    owner = os.stat(f"{host}/.s.PGSQL.5432")
    with tempfile.TemporaryDirectory(prefix="bouncer-") as folder:
        os.chown(folder, owner.st_uid, owner.st_gid)
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"""[databases]
{database} = host={host} port=5432 dbname={database} user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
unix_socket_mode = 0777
auth_type = any
pool_mode = transaction
default_pool_size = 3
logfile = {folder}/log
""",
            encoding="utf-8",
        )
        os.chown(settings, owner.st_uid, owner.st_gid)
        running = subprocess.Popen(
            ["pgbouncer", "-q", str(settings)], user=owner.st_uid, group=owner.st_gid, extra_groups=[], cwd="/"
        )
        try:
            for _ in range(100):
                if (Path(folder) / ".s.PGSQL.6432").exists():
                    break
                time.sleep(0.05)
            yield folder
        finally:
            running.terminate()
            running.wait()


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, database = parse_qs(parts.query)["host"][0], parts.path.lstrip("/")
    with bouncer(host, database) as folder:
        for case in POSITIVE + NEGATIVE:
            where = f"host={folder} port=6432" if case.name.startswith("bouncer") else f"host={host} port=5432"
            address = f"{where} user={parts.username} dbname={database} application_name={prefix}{case.name}"
            _run(case, address)
            time.sleep(0.3)
            yield replace(case, times=1)


def _run(case: Case, address: str) -> None:
    if case.name.startswith("bouncer"):
        eight(lambda: psycopg.connect(address, autocommit=True, prepare_threshold=None), case.run)
        return
    autocommit = "autocommit" in case.name or "each_statement" in case.name
    with ConnectionPool(address, min_size=4, max_size=4, kwargs={"autocommit": autocommit}) as pool:
        pool.wait()
        if "each_statement" in case.name:
            eight(lambda: EachItsOwn(pool), case.run)
        else:
            eight(lambda: ARequest(pool), lambda request, n: request.run(case.run, n))
