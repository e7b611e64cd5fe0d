"""A payroll: psycopg2 by hand, values as literals, jobs and pages; a pool that says DISCARD ALL, and PgBouncer.

Needs psycopg2-binary (pip) and PgBouncer.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
from cases import M2M, M2O, O2M, Case, burst
from parcels_pooled import bouncer
from psycopg2.errors import DeadlockDetected
from psycopg2.extras import execute_values
from psycopg2.pool import ThreadedConnectionPool


def rows(c: Any, text: str, *values: Any) -> list[tuple[Any, ...]]:
    with c.cursor() as cursor:
        cursor.execute(text, values)
        return list(cursor.fetchall()) if cursor.description else []


def branches(c: Any, n: int) -> None:
    for _, branch in rows(c, "SELECT name, branch_id FROM worker WHERE id > %s ORDER BY id LIMIT 8", n):
        rows(c, "SELECT town FROM branch WHERE id = %s", branch)


def contracts(c: Any, n: int) -> None:
    for key, _ in rows(c, "SELECT id, name FROM worker WHERE branch_id = %s", n % 60 + 1):
        rows(c, "SELECT * FROM contract WHERE worker_id = %s", key)


def pay(c: Any, n: int) -> None:
    """The contract in force, then its grade."""
    for key, _ in rows(c, "SELECT id, iban FROM worker WHERE hired < '2019-01-12'"):
        ((grade,),) = rows(c, "SELECT grade_code FROM contract WHERE worker_id = %s ORDER BY since DESC LIMIT 1", key)
        rows(c, "SELECT cents FROM grade WHERE code = %s", grade)


def companies(c: Any, n: int) -> None:
    """1 + 6 + 6 * 5."""
    for key, _ in rows(c, "SELECT id, name FROM company WHERE id <= 6"):
        for branch, _ in rows(c, "SELECT id, town FROM branch WHERE company_id = %s", key):
            rows(c, "SELECT count(*) FROM worker WHERE branch_id = %s", branch)


def approvers(c: Any, n: int) -> None:
    """Two keys of one table: who worked, who approved."""
    sheet = "SELECT worker_id, approved_by FROM timesheet WHERE day = '2026-01-09' LIMIT 9"
    for worker, approver in rows(c, sheet):
        rows(c, "SELECT name FROM worker WHERE id = %s", worker)
        rows(c, "SELECT name FROM worker WHERE id = %s", approver)


def bosses(c: Any, n: int) -> None:
    for (boss,) in rows(c, "SELECT boss_id FROM worker WHERE id > 490"):
        rows(c, "SELECT id, name FROM worker WHERE id = %s", boss)


def skills(c: Any, n: int) -> None:
    for (key,) in rows(c, "SELECT id FROM worker ORDER BY hired LIMIT 7"):
        rows(c, "SELECT s.label FROM skill s JOIN worker_skill w ON w.skill_id = s.id WHERE w.worker_id = %s", key)


def lines(c: Any, n: int) -> None:
    for (key,) in rows(c, "SELECT id FROM payslip WHERE month = 2 AND worker_id < 10"):
        rows(c, "SELECT text, cents FROM payslip_line WHERE payslip_id = %s ORDER BY no", key)


def of_the_month(c: Any, n: int) -> None:
    """One column of the child's key is the row's, the other the page's."""
    for (key,) in rows(c, "SELECT id FROM worker WHERE branch_id = 9"):
        rows(c, "SELECT cents FROM payslip WHERE worker_id = %s AND month = %s", key, 3)


def present(c: Any, n: int) -> None:
    for (key,) in rows(c, "SELECT id FROM worker WHERE branch_id IN (4, 5)"):
        rows(c, "SELECT EXISTS (SELECT 1 FROM timesheet WHERE worker_id = %s AND day > '2026-02-01')", key)


def one_in(c: Any, n: int) -> None:
    for (key,) in rows(c, "SELECT id FROM worker WHERE branch_id = 12"):
        rows(c, "SELECT minutes FROM timesheet WHERE worker_id IN %s", (key,))


def by_vat(c: Any, n: int) -> None:
    for (vat,) in rows(c, "SELECT vat_no FROM company ORDER BY name LIMIT 8"):
        rows(c, "SELECT town FROM branch WHERE company_id = (SELECT id FROM company WHERE vat_no = %s)", vat)


def cursor_of_workers(c: Any, n: int) -> None:
    with c.cursor(name="workers") as cursor:
        cursor.itersize = 6
        cursor.execute("SELECT id FROM worker WHERE id <= 18")
        for (key,) in cursor:
            rows(c, "SELECT sum(minutes) FROM timesheet WHERE worker_id = %s", key)


def by_file(c: Any, n: int) -> None:
    for name in ("I31", "I41", "I59", "I26", "I53", "I58"):
        rows(c, "SELECT id FROM worker WHERE iban = %s", name)


def tax_rate(c: Any, n: int) -> None:
    for _ in range(10):
        rows(c, "SELECT value FROM param WHERE key = 'p3'")


def book(c: Any, n: int) -> None:
    for key, _ in rows(c, "SELECT id, iban FROM worker WHERE branch_id = 30"):
        rows(c, "UPDATE worker SET iban = iban || '' WHERE id = %s", key)
    c.commit()


def close_month(c: Any, n: int) -> None:
    """For each worker: the minutes, then the payslip."""
    for (key,) in rows(c, "SELECT id FROM worker WHERE branch_id = 31"):
        ((minutes,),) = rows(c, "SELECT sum(minutes) FROM timesheet WHERE worker_id = %s", key)
        rows(
            c,
            "INSERT INTO payslip (worker_id, month, cents) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            key,
            5 + n,
            minutes,
        )
    c.commit()


def detail(c: Any, n: int) -> None:
    rows(c, "SELECT id, name, branch_id FROM worker WHERE id = %s", n)
    rows(c, "SELECT * FROM contract WHERE worker_id = %s", n)


def search(c: Any, n: int) -> None:
    rows(c, "SELECT id, name FROM worker WHERE iban = %s", f"I{n}")


def sheet(c: Any, n: int) -> None:
    rows(c, "INSERT INTO timesheet (worker_id, approved_by, day, minutes) VALUES (%s, 1, '2026-04-01', 400)", n)


CONTRACTS, BRANCHES = burst("contract", "worker", O2M), burst("branch", "worker", M2O)
TIMESHEETS = burst("timesheet", "worker", O2M)
POSITIVE = [
    Case("branches", branches, (BRANCHES,), times=1),
    Case("contracts", contracts, (CONTRACTS,)),
    Case("pay", pay, (CONTRACTS, burst("grade", "contract", M2O))),
    Case("companies", companies, (burst("branch", "company", O2M), burst("worker", "branch", O2M)), times=1),
    Case("approvers", approvers, (burst("worker", "timesheet", M2O),)),
    Case("bosses", bosses, (burst("worker", "worker", M2O),)),
    Case("skills", skills, (burst("skill", "worker", M2M),), times=1),
    Case("lines", lines, (burst("payslip_line", "payslip", O2M),)),
    Case("of_the_month", of_the_month, (burst("payslip", "worker", O2M),)),
    Case("present", present, (TIMESHEETS,), times=1),
    Case("one_in", one_in, (TIMESHEETS,)),
    Case("by_vat", by_vat, (burst("branch", "company", O2M),)),
    Case("cursor_of_workers", cursor_of_workers, (TIMESHEETS,)),
    Case("by_file", by_file, (burst("worker", pattern="parentless-loop"),)),
    Case("tax_rate", tax_rate, (burst("param", pattern="repeated-identical-query"),), times=1),
    Case("book", book, (burst("worker", pattern="row-by-row-write"),)),
    Case("close_month", close_month, (burst("payslip", pattern="row-by-row-write"),)),
    Case("pool_contracts", (contracts, detail, search), (CONTRACTS,), times=1),
    Case("pool_branches", (branches, detail, sheet), (BRANCHES,), times=1),
    Case("bouncer_contracts", (contracts, search), (CONTRACTS,), times=1),
    Case("bouncer_autocommit_branches", (branches, search), (BRANCHES,), times=1),
]


def joined(c: Any, n: int) -> None:
    for start in range(8):
        rows(
            c,
            "SELECT w.name, b.town FROM worker w JOIN branch b ON b.id = w.branch_id WHERE b.town LIKE %s",
            f"%{start}",
        )


def in_lists(c: Any, n: int) -> None:
    for start in range(1, 80, 10):
        rows(c, "SELECT * FROM contract WHERE worker_id IN %s", tuple(range(start, start + 10)))


def fetched(c: Any, n: int) -> None:
    with c.cursor(name="all") as cursor:
        cursor.itersize = 300
        cursor.execute("SELECT minutes FROM timesheet")
        for _ in cursor:
            pass


def pages(c: Any, n: int) -> None:
    for page in range(9):
        rows(c, "SELECT name FROM worker ORDER BY name LIMIT 25 OFFSET %s", page * 25)


def seek(c: Any, n: int) -> None:
    last = 0
    for _ in range(8):
        last = rows(c, "SELECT id, cents FROM payslip WHERE id > %s ORDER BY id LIMIT 40", last)[-1][0]


def lookout(c: Any, n: int) -> None:
    chance = random.Random(n)
    for _ in range(9):
        rows(c, "SELECT id FROM run WHERE state = 'broken'")
        c.commit()
        time.sleep(0.04 + chance.uniform(0, 0.03))


def deadlocked(c: Any, n: int) -> None:
    for attempt in range(6):
        try:
            rows(c, "SELECT name FROM worker WHERE id = 8")
            if attempt < 5:
                rows(c, "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END $$")
            c.commit()
        except DeadlockDetected:
            c.rollback()


def registered(c: Any, n: int) -> None:
    for _ in range(7):
        vat = f"N{random.randrange(10**9)}"
        if not rows(c, "SELECT id FROM company WHERE vat_no = %s", vat):
            rows(c, "INSERT INTO company (name, vat_no) VALUES ('new', %s)", vat)
        c.commit()


def runner(c: Any, n: int) -> None:
    for _ in range(8):
        found = rows(c, "SELECT id FROM run WHERE state = 'ready' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED")
        rows(c, "SELECT value FROM param WHERE key = %s", "p1")
        rows(c, "UPDATE run SET state = 'done' WHERE id = %s", found[0][0])
        c.commit()


def each_its_own(c: Any, n: int) -> None:
    """A worker that commits after each item."""
    for (key,) in rows(c, "SELECT id FROM run WHERE state = 'done' ORDER BY id LIMIT 8"):
        rows(c, "UPDATE run SET state = 'archived' WHERE id = %s", key)
        c.commit()


def values(c: Any, n: int) -> None:
    with c.cursor() as cursor:
        execute_values(cursor, "INSERT INTO run (state) VALUES %s", [("bulk",)] * 60, page_size=20)
    c.commit()


def report(c: Any, n: int) -> None:
    for day in range(1, 9):
        rows(
            c,
            "SELECT count(*) FROM timesheet WHERE day >= %s::date AND day < %s::date",
            f"2026-01-0{day}",
            "2026-02-01",
        )


NEGATIVE = [
    Case("joined", joined, row="no key"),
    Case("in_lists", in_lists, row="already batched"),
    Case("fetched", fetched, row="cursor FETCH"),
    Case("pages", pages, row="pagination"),
    Case("seek", seek, row="pagination", times=1),
    Case("lookout", lookout, row="polling"),
    Case("deadlocked", deadlocked, row="retry"),
    Case("registered", registered, row="uniqueness check"),
    Case("runner", runner, row="job worker"),
    Case("each_its_own", each_its_own, row="job worker"),
    Case("values", values, row="bulk write"),
    Case("report", report, row="no key"),
    Case("pool_details", (detail, search, sheet), row="concurrent traffic", times=1),
    Case("bouncer_details", (detail, search), row="concurrent traffic", times=1),
    Case("bouncer_autocommit_details", (detail, search), row="concurrent traffic", times=1),
]
SETTINGS = {
    "log_destination": "stderr",
    "log_line_prefix": "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "log_min_duration_statement": "0",
}


def crowd(opened: Callable[[], Any], works: tuple[Callable[[Any, int], None], ...]) -> None:
    """Six clients with requests of several kinds."""

    def client(number: int) -> None:
        chance = random.Random(number)
        for _ in range(8):
            with opened() as connection:
                chance.choice(works)(connection, chance.randrange(1, 400))
            time.sleep(chance.uniform(0, 0.03))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, database = parse_qs(parts.query)["host"][0], parts.path.lstrip("/")
    with bouncer(host, database) as folder:
        for case in POSITIVE + NEGATIVE:
            where = f"host={folder} port=6432" if case.name.startswith("bouncer") else f"host={host} port=5432"
            _run(case, f"{where} user=postgres dbname={database} application_name={prefix}{case.name}")
            yield case


def _run(case: Case, address: str) -> None:
    if isinstance(case.run, tuple):
        pool = ThreadedConnectionPool(6, 6, address)

        @contextmanager
        def opened() -> Iterator[Any]:
            connection = pool.getconn()
            connection.autocommit = "autocommit" in case.name
            yield connection
            if not connection.autocommit:
                connection.commit()
            if case.name.startswith("pool"):
                connection.reset()
                connection.autocommit = True
                rows(connection, "DISCARD ALL")
                connection.autocommit = False
            pool.putconn(connection)

        crowd(opened, case.run)
        pool.closeall()
        return
    for turn in range(case.times):
        connection = psycopg2.connect(address)
        case.run(connection, turn)
        connection.close()
        time.sleep(0.3)
