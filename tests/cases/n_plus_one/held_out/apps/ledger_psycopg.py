"""A ledger: psycopg 3 by hand. Composite keys, nothing declared; batch jobs, a migration, pipelines, retries."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
from cases import M2O, O2M, Case, burst
from psycopg.errors import SerializationFailure


def statements(c):
    for tenant, number in c.execute("SELECT tenant, account_no FROM account WHERE tenant = 1 LIMIT 15").fetchall():
        c.execute("SELECT cents FROM entry WHERE tenant = %s AND account_no = %s", (tenant, number)).fetchall()


def holders(c):
    for tenant, _, account in c.execute("SELECT tenant, entry_no, account_no FROM entry LIMIT 20").fetchall():
        c.execute("SELECT holder FROM account WHERE tenant = %s AND account_no = %s", (tenant, account)).fetchone()


def towns(c):
    for row in c.execute("SELECT account_no, branch_code FROM account WHERE tenant = 2 LIMIT 20").fetchall():
        c.execute("SELECT town FROM branch WHERE code = %s", (row[1],)).fetchone()


def converted(c):
    """One rate for each entry, of its currency and day: eighteen different ones at most."""
    for currency, day, cents in c.execute("SELECT currency, booked_on, cents FROM entry LIMIT 30").fetchall():
        c.execute("SELECT value * %s FROM rate WHERE currency = %s AND on_day = %s", (cents, currency, day)).fetchone()


def notes_of_notes(c):
    with c.transaction():
        for tenant, number in c.execute("SELECT tenant, account_no FROM account WHERE tenant = 3 LIMIT 6").fetchall():
            found = c.execute(
                "SELECT tenant, entry_no FROM entry WHERE tenant = %s AND account_no = %s", (tenant, number)
            ).fetchall()
            for key in found:
                c.execute("SELECT note FROM entry_note WHERE tenant = %s AND entry_no = %s", key).fetchall()


def tree(c):
    def below(key):
        for (child,) in c.execute("SELECT id FROM node WHERE up = %s", (key,)).fetchall():
            if child < 60:
                below(child)

    for (root,) in c.execute("SELECT id FROM node WHERE up IS NULL").fetchall():
        below(root)


def to_the_root(c):
    """Where each answer says what is asked next."""
    for leaf in (199, 198, 150):
        key = leaf
        while key is not None:
            row = c.execute("SELECT up, label FROM node WHERE id = %s", (key,)).fetchone()
            key = row and row[0]


def paged_statements(c):
    for page in range(3):
        accounts = c.execute(
            "SELECT account_no FROM account WHERE tenant = 1 ORDER BY account_no LIMIT 10 OFFSET %s", (10 * page,)
        ).fetchall()
        for (number,) in accounts:
            c.execute("SELECT sum(cents) FROM entry WHERE tenant = 1 AND account_no = %s", (number,)).fetchone()


def from_cursor(c):
    with c.transaction(), c.cursor("walk") as walk:
        walk.itersize = 10
        for tenant, number in walk.execute("SELECT tenant, entry_no FROM entry WHERE tenant = 2 AND entry_no < 30"):
            c.execute("SELECT note FROM entry_note WHERE tenant = %s AND entry_no = %s", (tenant, number)).fetchall()


def imported(c):
    """Account numbers out of a file."""
    for number in (3, 14, 15, 9, 26, 53, 58, 79):
        c.execute("SELECT holder, status FROM account WHERE tenant = %s AND account_no = %s", (1, number)).fetchone()


def rounding(c):
    for _ in range(12):
        c.execute("SELECT value FROM setting WHERE name = %s", ("rounding",)).fetchone()


def backfill(c):
    """A migration, row by row in one transaction."""
    with c.transaction():
        for (key,) in c.execute("SELECT id FROM node WHERE label LIKE 'node %' ORDER BY id LIMIT 15").fetchall():
            c.execute("UPDATE node SET label = upper(label) || id WHERE id = %s", (key,))
        c.execute("UPDATE node SET label = 'node ' || id")


def post_each(c):
    for n in range(12):
        c.execute("INSERT INTO outbox (payload) VALUES (%s)", (f"posted {n}",))


POSITIVE = [
    Case("statements", statements, (burst("entry", "account", O2M),)),
    Case("holders", holders, (burst("account", "entry", M2O),)),
    Case("towns", towns, (burst("branch", "account", M2O),)),
    Case("converted", converted, (burst("rate", "entry", M2O),)),
    Case("notes_of_notes", notes_of_notes, (burst("entry", "account", O2M), burst("entry_note", "entry", O2M))),
    Case("tree", tree, (burst("node", "node", O2M),)),
    Case("to_the_root", to_the_root, (burst("node", pattern="parentless-loop"),)),
    Case("paged_statements", paged_statements, (burst("entry", "account", O2M),)),
    Case("from_cursor", from_cursor, (burst("entry_note", "entry", O2M),)),
    Case("imported", imported, (burst("account", pattern="parentless-loop"),)),
    Case("rounding", rounding, (burst("setting", pattern="repeated-identical-query"),)),
    Case("backfill", backfill, (burst("node", pattern="row-by-row-write"),)),
    Case("post_each", post_each, (burst("outbox", pattern="row-by-row-write"),)),
]


def pipeline(c):
    """All questions sent at once: the round trips are saved already."""
    numbers = [row[0] for row in c.execute("SELECT account_no FROM account WHERE tenant = 1 LIMIT 40").fetchall()]
    with c.pipeline():
        cursors = [
            c.execute("SELECT cents FROM entry WHERE tenant = 1 AND account_no = %s", (number,)) for number in numbers
        ]
    for cursor in cursors:
        cursor.fetchall()


def pipelined_writes(c):
    with c.pipeline():
        for n in range(60):
            c.execute("INSERT INTO outbox (payload) VALUES (%s)", (f"together {n}",))


def executemany(c):
    c.cursor().executemany("INSERT INTO outbox (payload) VALUES (%s)", [(f"many {n}",) for n in range(200)])


def copy(c):
    with c.cursor().copy("COPY outbox (payload) FROM STDIN") as target:
        for n in range(200):
            target.write_row((f"copied {n}",))


def retries(c):
    """The same transfer again and again, until nobody is in the way."""
    for attempt in range(7):
        try:
            with c.transaction():
                c.execute("SELECT cents FROM entry WHERE tenant = 1 AND entry_no = 7 ").fetchone()
                if attempt < 6:
                    c.execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")
        except SerializationFailure:
            continue


def outbox_poll(c):
    for _ in range(8):
        c.execute("SELECT id, payload FROM outbox WHERE sent_at IS NOT NULL ORDER BY id LIMIT 10").fetchall()
        time.sleep(0.08)


def relay(c):
    """A worker: take one, send it, mark it, commit."""
    for _ in range(9):
        with c.transaction():
            row = c.execute(
                "SELECT id, payload FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
            ).fetchone()
            c.execute("UPDATE outbox SET sent_at = now() WHERE id = %s", (row[0],))


def monthly(c):
    for day in range(1, 10):
        c.execute(
            "SELECT sum(cents) FROM entry WHERE booked_on >= %s AND booked_on < %s",
            (f"2026-03-{day:02}", f"2026-03-{day + 1:02}"),
        ).fetchone()


def batched_migration(c):
    for start in range(0, 200, 20):
        with c.transaction():
            c.execute("UPDATE node SET label = 'node ' || id WHERE id > %s AND id <= %s", (start, start + 20))


def any_of(c):
    keys = [row[0] for row in c.execute("SELECT account_no FROM account WHERE tenant = 1").fetchall()]
    for start in range(0, 80, 10):
        part = keys[start : start + 10]
        c.execute("SELECT cents FROM entry WHERE tenant = 1 AND account_no = ANY(%s)", (part,)).fetchall()


def keyset(c):
    last = 0
    while rows := c.execute(
        "SELECT entry_no, cents FROM entry WHERE tenant = %s AND entry_no > %s ORDER BY entry_no LIMIT 60", (1, last)
    ).fetchall():
        last = rows[-1][0]


def counter(c):
    """A teller's window: one account after the other, a transaction each, a customer in between."""
    for number in range(1, 9):
        with c.transaction():
            c.execute("SELECT holder FROM account WHERE tenant = %s AND account_no = %s", (1, number)).fetchone()
            c.execute("SELECT cents FROM entry WHERE tenant = %s AND account_no = %s", (1, number)).fetchall()
        time.sleep(0.4)


NEGATIVE = [
    Case("pipeline", pipeline, row="pipeline"),
    Case("pipelined_writes", pipelined_writes, row="bulk write"),
    Case("executemany", executemany, row="bulk write"),
    Case("copy", copy, row="bulk write"),
    Case("retries", retries, row="retry"),
    Case("outbox_poll", outbox_poll, row="polling"),
    Case("relay", relay, row="job worker"),
    Case("day_by_day", monthly, row="no key"),
    Case("batched_migration", batched_migration, row="batch job"),
    Case("any_of", any_of, row="already batched"),
    Case("keyset", keyset, row="pagination"),
    Case("counter", counter, row="concurrent traffic"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    for case in POSITIVE + NEGATIVE:
        with psycopg.connect(url, autocommit=True, application_name=prefix + case.name) as connection:
            for _ in range(case.times):
                case.run(connection)
                time.sleep(0.3)
        yield case
