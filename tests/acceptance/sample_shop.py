"""The sample shop on an embedded server: built, used by its application, and scanned."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from advisor import pipeline
from advisor.cli.demo import MODELS
from advisor.cli.options import Estimator
from advisor.cli.sources import Reading, opened, planner
from advisor.model.report import Report
from advisor.ports import Options, silent
from connectors.postgres.embedded import EmbeddedServer
from sample_dbs.shop_postgres.recording import DATABASE, SERVER_SETTINGS, Recording, record

SCALE = float(os.environ.get("ADVISOR_TEST_SCALE", "1.0"))
"""The demo's own size; below 0.3 some faults stop hurting, for a scan of a small table is right."""


@dataclass(frozen=True)
class Shop:
    """The running server, the workload's log, and what a scan said of them."""

    server: EmbeddedServer
    url: str
    recording: Recording
    report: Report


def study(url: str, logs: tuple[Path, ...], kind: Estimator = Estimator.AUTO) -> Report:
    """Scan as ``advisor scan`` does."""
    with opened([url], Reading(logs=logs), silent) as capture, planner(capture, url, kind, None, silent) as prices:
        return pipeline.analyze(capture, prices, Options(models=MODELS))


@contextmanager
def running(folder: Path) -> Iterator[Shop]:
    """The shop on a server of its own, stopped at the end; ``folder`` gets the log that was scanned."""
    with EmbeddedServer(settings=SERVER_SETTINGS) as server:
        url = server.url_of(DATABASE)
        recording = record(server.url, url, server.data, SCALE)
        kept = folder / "shop.csv"
        kept.write_bytes(recording.logs[0].read_bytes())
        yield Shop(server, url, recording, study(url, (kept,)))
