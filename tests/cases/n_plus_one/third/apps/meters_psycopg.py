"""Meters of a power company: psycopg 3 by hand in workers, importers and reports. Look-alikes before all."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from cases import M2O, O2M, Case, burst
from psycopg.errors import LockNotAvailable, SerializationFailure

START = datetime(2026, 1, 1, tzinfo=UTC)


def latest(c: Any) -> None:
    for (serial,) in c.execute("SELECT mtr_serial FROM mtr_meter WHERE mtr_tariff = 'T3' LIMIT 14").fetchall():
        c.execute(
            "SELECT rdg_at, rdg_kwh FROM mtr_reading WHERE rdg_serial = %s ORDER BY rdg_at DESC LIMIT 1", (serial,)
        ).fetchone()


def towns(c: Any) -> None:
    for _, site in c.execute("SELECT mtr_serial, mtr_site FROM mtr_meter ORDER BY mtr_serial LIMIT 20").fetchall():
        c.execute("SELECT site_town FROM mtr_site WHERE site_id = %s", (site,)).fetchone()


def owners(c: Any) -> None:
    """A join of its own for each row."""
    for (serial,) in c.execute("SELECT mtr_serial FROM mtr_meter WHERE mtr_state = 'on' LIMIT 12").fetchall():
        c.execute(
            "SELECT o.own_name FROM owner o JOIN mtr_site s ON s.site_owner = o.own_id"
            " JOIN mtr_meter m ON m.mtr_site = s.site_id WHERE m.mtr_serial = %s",
            (serial,),
        ).fetchone()


def priced(c: Any) -> None:
    """The tariff at the day of each reading."""
    with c.transaction():
        rows = c.execute(
            "SELECT r.rdg_kwh, r.rdg_at, m.mtr_tariff FROM mtr_reading r"
            " JOIN mtr_meter m ON m.mtr_serial = r.rdg_serial WHERE r.rdg_id < 20"
        ).fetchall()
        for kwh, at, tariff in rows:
            c.execute(
                "SELECT trf_cents * %s FROM tariff WHERE trf_code = %s AND trf_from <= %s"
                " ORDER BY trf_from DESC LIMIT 1",
                (kwh, tariff, at),
            ).fetchone()


def one_of_any(c: Any) -> None:
    for (serial,) in c.execute("SELECT mtr_serial FROM mtr_meter WHERE mtr_site < 6 LIMIT 12").fetchall():
        c.execute("SELECT sum(rdg_kwh) FROM mtr_reading WHERE rdg_serial = ANY(%s)", ([serial],)).fetchone()


def walked(c: Any) -> None:
    """A server-side cursor over sites, a question for each."""
    with c.transaction(), c.cursor("sites") as sites:
        sites.itersize = 10
        for (site,) in sites.execute("SELECT site_id FROM mtr_site WHERE site_id <= 30"):
            c.execute("SELECT count(*) FROM mtr_meter WHERE mtr_site = %s", (site,)).fetchone()


def slow_report(c: Any) -> None:
    """Work of 20 to 60 ms on each row, outside any transaction."""
    for site, owner in c.execute("SELECT site_id, site_owner FROM mtr_site ORDER BY site_town LIMIT 9").fetchall():
        c.execute("SELECT own_name, own_mail FROM owner WHERE own_id = %s", (owner,)).fetchone()
        time.sleep(0.02 + 0.005 * (site % 9))


def keys_of_a_file(c: Any) -> None:
    for number in (31, 41, 59, 26, 53, 58, 97, 93):
        c.execute("SELECT mtr_state FROM mtr_meter WHERE mtr_serial = %s", (f"M{number}",)).fetchone()


def settings_again(c: Any) -> None:
    """In one job the same setting is read for each item."""
    with c.transaction():
        for _ in range(15):
            c.execute("SELECT set_value FROM setting WHERE set_name = 's3'").fetchone()


def totals(c: Any) -> None:
    with c.transaction():
        for number in range(1, 15):
            c.execute(
                "INSERT INTO total VALUES (%s, %s, %s) ON CONFLICT (tot_serial, tot_month)"
                " DO UPDATE SET tot_kwh = excluded.tot_kwh",
                (f"M{number}", 1, number),
            )


def close_meters(c: Any) -> None:
    """Read and written in turn."""
    with c.transaction():
        for (serial,) in c.execute("SELECT mtr_serial FROM mtr_meter WHERE mtr_site = 7 OR mtr_site < 4").fetchall():
            c.execute("UPDATE mtr_meter SET mtr_state = %s WHERE mtr_serial = %s", (str(time.monotonic_ns()), serial))


def delete_readings(c: Any) -> None:
    with c.transaction():
        for (key,) in c.execute("SELECT rdg_id FROM mtr_reading ORDER BY rdg_id DESC LIMIT 10").fetchall():
            c.execute("DELETE FROM mtr_reading WHERE rdg_id = %s", (key,))


POSITIVE = [
    Case("latest", latest, (burst("mtr_reading", "mtr_meter", O2M),)),
    Case("towns", towns, (burst("mtr_site", "mtr_meter", M2O),)),
    Case("owners", owners, (burst("owner", "mtr_meter", M2O),)),
    Case("priced", priced, (burst("tariff", "mtr_meter", M2O),)),
    Case("one_of_any", one_of_any, (burst("mtr_reading", "mtr_meter", O2M),)),
    Case("walked", walked, (burst("mtr_meter", "mtr_site", O2M),)),
    Case("slow_report", slow_report, (burst("owner", "mtr_site", M2O),)),
    Case("keys_of_a_file", keys_of_a_file, (burst("mtr_meter", pattern="parentless-loop"),)),
    Case("settings_again", settings_again, (burst("setting", pattern="repeated-identical-query"),)),
    Case("totals", totals, (burst("total", pattern="row-by-row-write"),)),
    Case("close_meters", close_meters, (burst("mtr_meter", pattern="row-by-row-write"),)),
    Case("delete_readings", delete_readings, (burst("mtr_reading", pattern="row-by-row-write"),)),
]


def heartbeat(c: Any) -> None:
    """A worker that tells that it lives, and looks for work; not at equal intervals."""
    chance = random.Random(3)
    for _ in range(9):
        c.execute("UPDATE worker SET wrk_seen = now(), wrk_beats = wrk_beats + 1 WHERE wrk_name = 'w1'")
        c.execute("SELECT job_id FROM job WHERE job_kind = 'none' AND NOT job_done LIMIT 1").fetchone()
        time.sleep(0.05 + chance.uniform(0, 0.08))


def jittered(c: Any) -> None:
    chance = random.Random(5)
    for _ in range(9):
        c.execute("SELECT job_id, job_serial FROM job WHERE job_kind = 'none' ORDER BY job_id LIMIT 10").fetchall()
        time.sleep(0.04 + chance.uniform(0, 0.1))


def leader(c: Any) -> None:
    for _ in range(8):
        c.execute("SELECT pg_try_advisory_lock(4711)").fetchone()
        c.execute("SELECT pg_advisory_unlock(4711)").fetchone()
        time.sleep(0.03)


def tail(c: Any) -> None:
    """What came since the last look."""
    last = 0
    for _ in range(8):
        rows = c.execute(
            "SELECT rdg_id, rdg_kwh FROM mtr_reading WHERE rdg_id > %s ORDER BY rdg_id LIMIT 50", (last,)
        ).fetchall()
        last = rows[-1][0]
        time.sleep(0.02)


def row_values(c: Any) -> None:
    last: tuple[Any, Any] = ("", START)
    for _ in range(8):
        last = c.execute(
            "SELECT rdg_serial, rdg_at FROM mtr_reading WHERE (rdg_serial, rdg_at) > (%s, %s)"
            " ORDER BY rdg_serial, rdg_at LIMIT 40",
            last,
        ).fetchall()[-1]


def windows(c: Any) -> None:
    for hour in range(9):
        c.execute(
            "SELECT sum(rdg_kwh) FROM mtr_reading WHERE rdg_at >= %s AND rdg_at < %s",
            (START + timedelta(hours=hour), START + timedelta(hours=hour + 1)),
        ).fetchone()


def backing_off(c: Any) -> None:
    for attempt in range(6):
        try:
            with c.transaction():
                c.execute("SELECT mtr_state FROM mtr_meter WHERE mtr_serial = 'M9'").fetchone()
                c.execute("UPDATE mtr_meter SET mtr_state = 'on' WHERE mtr_serial = 'M9'")
                if attempt < 5:
                    c.execute("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")
        except SerializationFailure:
            time.sleep(0.002 * 2**attempt)


def nowait(c: Any) -> None:
    """Somebody else holds the row; asked again until it is free."""
    with psycopg.connect(c.info.dsn, application_name="other") as other:
        other.execute("SELECT 1 FROM owner WHERE own_id = 5 FOR UPDATE")
        for _ in range(7):
            with contextlib.suppress(LockNotAvailable):
                c.execute("SELECT own_name FROM owner WHERE own_id = 5 FOR UPDATE NOWAIT")
            time.sleep(0.004)


def sign_up(c: Any) -> None:
    for _ in range(8):
        mail = f"new{time.monotonic_ns()}"
        with c.transaction():
            if not c.execute("SELECT EXISTS (SELECT FROM owner WHERE own_mail = %s)", (mail,)).fetchone()[0]:
                c.execute("INSERT INTO owner (own_name, own_mail) VALUES ('new', %s)", (mail,))


def biller(c: Any) -> None:
    """A job at a time, in a transaction of its own, with all that one needs."""
    for _ in range(8):
        with c.transaction():
            job = c.execute(
                "DELETE FROM job WHERE job_id = (SELECT job_id FROM job WHERE NOT job_done ORDER BY job_id LIMIT 1"
                " FOR UPDATE SKIP LOCKED) RETURNING job_serial"
            ).fetchone()
            c.execute("SELECT mtr_tariff, mtr_site FROM mtr_meter WHERE mtr_serial = %s", job).fetchone()
            c.execute("SELECT sum(rdg_kwh) FROM mtr_reading WHERE rdg_serial = %s", job).fetchone()
            c.execute("INSERT INTO job (job_kind, job_serial) VALUES ('bill', %s)", job)


def many(c: Any) -> None:
    c.cursor().executemany(
        "INSERT INTO mtr_reading (rdg_serial, rdg_at, rdg_kwh) VALUES (%s, now(), 1)", [(f"M{n}",) for n in range(80)]
    )


def copied(c: Any) -> None:
    with c.cursor().copy("COPY mtr_reading (rdg_serial, rdg_at, rdg_kwh) FROM STDIN") as target:
        for number in range(200):
            target.write_row((f"M{number}", START, 1))


def from_values(c: Any) -> None:
    for start in range(0, 60, 10):
        serials = [f"M{n}" for n in range(start, start + 10)]
        c.execute(
            "UPDATE mtr_meter SET mtr_state = 'on' FROM unnest(%s::text[]) AS u(serial) WHERE mtr_serial = u.serial",
            (serials,),
        )


def read_all(c: Any) -> None:
    with c.transaction(), c.cursor("all") as cursor:
        cursor.itersize = 50
        sum(row[0] for row in cursor.execute("SELECT rdg_kwh FROM mtr_reading WHERE rdg_id < 600"))


def stampede(c: Any) -> None:
    """The cache is empty, and six clients ask the same at once."""

    def client() -> None:
        with psycopg.connect(c.info.dsn, application_name=c.info.get_parameters()["application_name"]) as own:
            for _ in range(2):
                own.execute("SELECT count(*) FROM mtr_meter WHERE mtr_tariff = 'T1'").fetchone()
                own.commit()

    threads = [threading.Thread(target=client) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def api(c: Any) -> None:
    """A gateway with one connection: who asks, may he, what he asked for; 0 to 50 ms between requests."""
    chance = random.Random(9)
    for _ in range(12):
        number = chance.randrange(1, 80)
        c.execute("SELECT own_id, own_name FROM owner WHERE own_mail = %s", (f"o{number}",)).fetchone()
        c.execute("SELECT site_id, site_town FROM mtr_site WHERE site_owner = %s", (number,)).fetchall()
        c.execute("SELECT mtr_state FROM mtr_meter WHERE mtr_serial = %s", (f"M{number * 3}",)).fetchone()
        time.sleep(chance.uniform(0, 0.05))


NEGATIVE = [
    Case("heartbeat", heartbeat, row="polling"),
    Case("jittered", jittered, row="polling"),
    Case("leader", leader, row="polling"),
    Case("tail", tail, row="polling"),
    Case("row_values", row_values, row="pagination"),
    Case("windows", windows, row="no key"),
    Case("backing_off", backing_off, row="retry"),
    Case("nowait", nowait, row="retry"),
    Case("sign_up", sign_up, row="uniqueness check"),
    Case("biller", biller, row="job worker"),
    Case("many", many, row="bulk write"),
    Case("copied", copied, row="bulk write"),
    Case("from_values", from_values, row="bulk write"),
    Case("read_all", read_all, row="cursor FETCH"),
    Case("stampede", stampede, row="concurrent traffic"),
    Case("api", api, row="concurrent traffic"),
]
SETTINGS = {
    "log_destination": "csvlog",
    "log_min_duration_statement": "-1",
    "log_statement": "all",
    "log_duration": "on",
}
VERSION = 18


def record(url: str, prefix: str) -> Iterator[Case]:
    for case in POSITIVE + NEGATIVE:
        with psycopg.connect(url, autocommit=True, application_name=prefix + case.name) as connection:
            for _ in range(case.times):
                case.run(connection)
                time.sleep(0.3)
        yield case
