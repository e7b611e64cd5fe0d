"""One small session as servers, daemons, container runtimes and services have been seen to write it: nothing is lost.

The forms are those of their documentation and of logs that users posted when another tool could not read them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from connectors.postgres.logs import by_looking, read

MESSAGES = [
    ("LOG", "duration: 1.500 ms  statement: SELECT id, name FROM item WHERE id = 1"),
    ("LOG", "duration: 2.500 ms  statement: SELECT a,\n       b\n\nFROM t\n\tWHERE x = 'two  words'"),
    ("LOG", "duration: 0.100 ms  parse <unnamed>: SELECT * FROM item WHERE id = $1"),
    ("LOG", "duration: 0.200 ms  bind <unnamed>: SELECT * FROM item WHERE id = $1"),
    ("DETAIL", "parameters: $1 = '5'"),
    ("LOG", "duration: 3.000 ms  execute <unnamed>: SELECT * FROM item WHERE id = $1"),
    ("DETAIL", "parameters: $1 = '5'"),
    ("ERROR", 'relation "nope" does not exist at character 15'),
    ("STATEMENT", "SELECT * FROM nope"),
    ("LOG", "duration: 1.500 ms  statement: SELECT id, name FROM item WHERE id = 2"),
]
EXECUTIONS = [
    ("SELECT * FROM item WHERE id = $1", 3.3, True),
    ("SELECT * FROM nope", None, False),
    ("SELECT a, b FROM t WHERE x = $0", 2.5, True),
    ("SELECT id, name FROM item WHERE id = $0", 1.5, True),
    ("SELECT id, name FROM item WHERE id = $0", 1.5, True),
]
Head = Callable[[int], str]


def time(number: int) -> str:
    return f"13:50:{20 + number:02d}"


def lines(prefix: str = "2026-11-21 {time}.123 UTC [123] app@shop ", before: str = "") -> list[str]:
    """As PostgreSQL writes them to stderr, each line behind what its carrier puts ``before`` it."""
    return [
        before.format(time=time(number)) + line
        for number, (severity, said) in enumerate(MESSAGES)
        for line in (prefix.format(time=time(number)) + f"{severity}:  " + said.replace("\n", "\n\t")).split("\n")
    ]


def syslog(before: str, prefix: str = "user=app,db=shop ", numbers: str = "[{message}-{part}] ") -> list[str]:
    """As PostgreSQL writes to syslog: numbered parts, a tab before each later line."""
    written, message, part = [], 0, 0
    for number, (severity, said) in enumerate(MESSAGES):
        begins = severity not in ("DETAIL", "STATEMENT")
        message, part = message + begins, 0 if begins else part
        for line in f"{prefix.format(time=time(number))}{severity}:  {said}".replace("\n", "\n#011").split("\n"):
            part += 1
            written.append(before.format(time=time(number)) + numbers.format(message=message, part=part) + line)
    return written


def parts(cri: list[str], size: int = 130) -> list[str]:
    """Lines as CRI cuts them, though shorter."""
    cut = []
    for line in cri:
        head = line[: line.index(" F ") + 3]
        cut += [line[:size].replace(" F ", " P ", 1), head + line[size:]] if len(line) > size else [line]
    return cut


CRI = "2026-11-21T{time}.123456789Z stderr F "
RDS = lines("2026-11-21 {time} UTC:10.0.0.1(5555):app@shop:[123]:")
RECORDS = "\n".join(RDS).replace("\n\t", "\0").replace("\0\n", "\0").split("\n")
CLOUD_SQL = [
    {
        "textPayload": f"2026-11-21 {time(number)}.123 UTC [123]: [{number}-1] db=shop {severity}:  {said}",
        "timestamp": f"2026-11-21T{time(number)}.123456Z",
    }
    for number, (severity, said) in enumerate(MESSAGES)
]
JOURNAL = [
    {
        "__REALTIME_TIMESTAMP": str(1795269020123456 + number),
        "_PID": "99",
        "SYSLOG_IDENTIFIER": "postgres",
        "MESSAGE": line,
    }
    for number, line in enumerate(lines())
]
JSONLOG = [
    {
        "timestamp": f"2026-11-21 {time(number)}.123 UTC",
        "session_id": "6a.7b",
        "line_num": number,
        "error_severity": severity,
        "message": said,
        **({following: text} if following else {}),
    }
    for number, (severity, said, following, text) in enumerate(
        (*one, after[0].lower() if after[0] in ("DETAIL", "STATEMENT") else "", after[1])
        for one, after in pairwise([*MESSAGES, ("", "")])
        if one[0] not in ("DETAIL", "STATEMENT")
    )
]
CARRIED = {
    "CRI": ("stderr", lines(before=CRI)),
    "CRI in parts": ("stderr", parts(lines(before="2026-11-21T{time}.123456789+00:00 stdout F "))),
    "CRI, no time of its own": ("stderr", lines("[123] app@shop ", CRI)),
    "CRI around jsonlog": ("jsonlog", [CRI.format(time=time(0)) + json.dumps(entry) for entry in JSONLOG]),
    "docker compose in colours": ("stderr", lines(before="\x1b[36mdb-1  |\x1b[0m ")),
    "docker compose -t": ("stderr", lines(before="db-1  | 2026-11-21T{time}.123456789Z ")),
    "docker compose with another program": (
        "stderr",
        [one for line in lines(before="db-1   | ") for one in ("web-1  | ", line)],
    ),
    "docker logs > file, in PowerShell": ("stderr", lines()),
    "docker logs -t": ("stderr", lines(before="2026-11-21T{time}.123456789Z ")),
    "docker compose": ("stderr", lines(before="db-1  | ")),
    "kubectl --prefix": ("stderr", lines(before="[pod/pg-0/postgres] ")),
    "aws logs tail": ("rds", [f"2026-11-21T13:50:20.000000+00:00 shop-db.0 {line}" for line in RDS]),
    "Fly": ("stderr", lines(before="2026-11-21T{time}Z app[e286] ams [info]postgres | ")),
    "journalctl": ("syslog", lines(before="Nov 21 {time} db7 postgres[99]: ")),
    "journalctl -o short-precise": ("syslog", lines(before="Nov 21 {time}.123456 db7 postgres[99]: ")),
    "journalctl -o short-iso": ("syslog", lines(before="2026-11-21T{time}+0000 db7 postgres[99]: ")),
    "journalctl, no prefix": ("syslog", lines("", "Nov 21 {time} db7 postgres[99]: ")),
    "journalctl -o json": ("journal", [json.dumps(entry) for entry in JOURNAL]),
    "syslog without sequence numbers": ("syslog", syslog("Nov 21 {time} db7 postgres[123]: ", numbers="")),
    "syslog without parts": ("syslog", syslog("Nov 21 {time} db7 postgres[123]: ", numbers="[1] ")),
    "syslog without a process": ("syslog", syslog("Nov 21 {time} db7 postgresql-11: ")),
    "syslog with a year": ("syslog", syslog("Nov 21 2026 {time} db7 postgres[123]: ")),
    "rsyslog with a facility": ("syslog", syslog("2026-11-21T{time}.27+00:00 db7 local3.info<158> postgres[9521]: ")),
    "syslog-ng": ("syslog", syslog("2026-11-21T{time}-04:00 db 10.0.0.8 postgres 86 [local0.info] ")),
    "Solaris": ("syslog", syslog("Nov 21 {time} db7 postgres[123]: [ID 748848 local2.info] ")),
    "aws logs get-log-events": (
        "cloudwatch",
        json.dumps({"events": [{"message": r.replace("\0", "\n\t")} for r in RECORDS]}, indent=4).split("\n"),
    ),
    "gcloud logging read": ("cloudsql", json.dumps(CLOUD_SQL, indent=2).split("\n")),
    "RDS copied with blanks for tabs": ("rds", [line.replace("\t", " " * 20, 1) for line in RDS]),
}


def test_the_forms_differ() -> None:
    assert all(one != other for (_, one), (_, other) in pairwise(CARRIED.values()))


@pytest.mark.parametrize("form", CARRIED)
@pytest.mark.parametrize("piece", [2_000, 56 << 20])
def test_nothing_is_lost(form: str, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.postgres.logs.files.CHUNK", piece)
    monkeypatch.setattr("connectors.postgres.logs.logfile.PIECE", piece)
    name, written = CARRIED[form]
    log = tmp_path / "server.log"
    log.write_text("\n".join(written) + "\n", encoding="utf-16" if "PowerShell" in form else "utf-8")
    assert by_looking(log) == name
    reading = read([log], tmp_path / "events.parquet")
    with duckdb.connect() as database:
        found = database.execute(
            f"""SELECT trim(regexp_replace(text, '\\s+', ' ', 'g')), duration_ms, error_code IS NULL
                FROM '{tmp_path}/events.parquet' ORDER BY ALL"""
        ).fetchall()
    assert found == EXECUTIONS
    assert reading.unread == ()
