"""Rules on what a log tells beside statements. A case is a csvlog of PostgreSQL 18, recorded from a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.model.capture import Capture, Server
from advisor.ports import Study
from advisor.registry import with_attribute
from advisor.workload import digest
from connectors.postgres.logs import read

CASES = Path(__file__).parents[2] / "cases" / "rules"
RULES = with_attribute("advisor.rules", "RULE")
MESSAGES = {
    "lock-wait": [
        "UPDATE on stock waited 4 times for rows that other transactions had locked,"
        " 1.4 s in all, 0.4 s at the longest.",
        "ALTER waited once for locks on tables, 0.3 s.",
        "UPDATE on jobs was ended by 1 deadlock.",
    ],
    "connection-churn": [
        "postgres opens 41 connections a minute to postgres, with a median life of 4 ms.",
    ],
    "frequent-checkpoints": [
        "Checkpoints come every 1 s where checkpoint_timeout asks for 300 s:"
        " max_wal_size is too small for what is written.",
    ],
}


def study_of(log: Path, folder: Path) -> Study:
    read([log], folder / "events.parquet")
    capture = Capture(folder, Server("postgresql", settings={"checkpoint_timeout": "5min"}))
    return Study(capture, digest(capture))


@pytest.mark.parametrize("rule", MESSAGES)
def test_what_the_log_tells_is_found(rule: str, tmp_path: Path) -> None:
    study = study_of(CASES / rule / "bad.csv", tmp_path)
    findings = list(RULES[rule].find(study))
    assert [finding.message for finding in findings] == MESSAGES[rule]
    for finding in findings:
        assert finding.rule == rule
        assert finding.evidence
        assert set(finding.shapes) <= set(study.workload.by_fingerprint)


@pytest.mark.parametrize("log", [log for rule in MESSAGES for log in sorted((CASES / rule).glob("good*.csv"))])
def test_a_log_without_it_is_left_alone(log: Path, tmp_path: Path) -> None:
    assert not list(RULES[log.parent.name].find(study_of(log, tmp_path)))
