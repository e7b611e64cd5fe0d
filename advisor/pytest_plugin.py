"""A pytest plugin: fail a test on N+1 queries, or on more queries than it may send.

    @pytest.mark.no_n_plus_one            # or --n-plus-one for the whole suite
    @pytest.mark.max_queries(12)
    def test_orders(client): ...

    def test_report(queries):             # the fixture: look yourself
        build_report()
        assert queries.count <= 3

`with advisor.record.ignore():` passes over a loop that somebody looked at; `@pytest.mark.allow_n_plus_one("why")` takes
a test out of the strict mode. A suite that already has some starts from `--n-plus-one-baseline FILE
--n-plus-one-write-baseline`. `--n-plus-one-sarif FILE` writes what was found for code scanning.
SQLAlchemy and Django are watched by themselves; an asyncpg connection is given to ``queries.recorder.asyncpg``.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from advisor.record.events import Recorded
from advisor.record.recorder import Recorder
from advisor.record.repeats import Repeat, read_baseline, repeats, sarif, statements, write_baseline

_MARKERS = (
    "no_n_plus_one(threshold=2): fail when a query repeats that one eager load would replace",
    "max_queries(n): fail when the test sends more than n queries",
    "allow_n_plus_one(reason): leave this test out of --n-plus-one",
)


class Queries:
    """What the running test sent so far."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    @property
    def statements(self) -> list[Recorded]:
        """Every statement, without the borders of transactions."""
        return statements(self.recorder.events)

    @property
    def count(self) -> int:
        """How many."""
        return len(self.statements)

    def n_plus_one(self, threshold: int = 2) -> list[Repeat]:
        """What repeats at least ``threshold`` times."""
        return repeats(self.recorder.events, threshold)

    def clear(self) -> None:
        """Count from here on."""
        self.recorder.clear()


class Watch:
    """The plugin's state in one session: one recorder, hooked in when the first test needs it."""

    def __init__(self, config: pytest.Config) -> None:
        self.recorder = Recorder(root=Path(config.rootpath))
        self.recorder.enabled = False
        self.strict = bool(config.getoption("n_plus_one"))
        self.threshold = int(config.getoption("n_plus_one_threshold"))
        self.baseline_file: Path | None = _path(config.getoption("n_plus_one_baseline"))
        self.writes = bool(config.getoption("n_plus_one_write_baseline"))
        self.sarif_file: Path | None = _path(config.getoption("n_plus_one_sarif"))
        self.baseline = _baseline(self.baseline_file) if self.baseline_file else set()
        self.found: list[Repeat] = []
        self._hooked: set[str] = set()

    def hook(self) -> None:
        """Listen to the libraries that are imported by now."""
        if "sqlalchemy" in sys.modules and "sqlalchemy" not in self._hooked:
            self._hooked.add("sqlalchemy")
            self.recorder.sqlalchemy(sys.modules["sqlalchemy"].engine.Engine, relations=True)
        if "django.db" in sys.modules and "django" not in self._hooked:
            self._hooked.add("django")
            self.recorder.django()

    def limits(self, item: pytest.Item) -> tuple[int | None, int | None]:
        """(threshold of repeats, most queries) of a test; ``None``: not asked."""
        marker = item.get_closest_marker("no_n_plus_one")
        threshold = None
        if marker is not None:
            threshold = int(marker.kwargs.get("threshold", marker.args[0] if marker.args else self.threshold))
        elif self.strict and item.get_closest_marker("allow_n_plus_one") is None:
            threshold = self.threshold
        most = item.get_closest_marker("max_queries")
        if most is not None and not (len(most.args) == 1 and isinstance(most.args[0], int)):
            raise pytest.UsageError(f"{item.nodeid}: write the most queries as a number, max_queries(12).")
        return threshold, int(most.args[0]) if most is not None else None

    def problems(self, threshold: int | None, most: int | None) -> list[str]:
        """Why the test that has just run fails; empty when it does not."""
        told = []
        if threshold is not None:
            found = repeats(self.recorder.events, threshold)
            self.found += found
            new = [repeat for repeat in found if repeat.key not in self.baseline]
            if new and not self.writes:
                told.append("N+1 queries:\n" + "\n".join(f"  {repeat}" for repeat in new))
        sent = statements(self.recorder.events)
        if most is not None and len(sent) > most:
            told.append(f"{len(sent)} queries were sent, {most} are allowed:\n" + _most_sent(sent))
        return told


def _baseline(file: Path) -> set[tuple[str, str, str, str]]:
    try:
        return read_baseline(file)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise pytest.UsageError(f"{file} is no baseline; write it anew with --n-plus-one-write-baseline.") from error


def _path(text: Any) -> Path | None:
    return Path(text) if text else None


def _most_sent(sent: list[Recorded]) -> str:
    """The lines that send most."""
    count: dict[tuple[str, int], int] = {}
    for event in sent:
        count[event.file, event.line] = count.get((event.file, event.line), 0) + 1
    worst = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:5]
    return "\n".join(f"  {times} from {file or 'outside the project'}:{line}" for (file, line), times in worst)


_WATCH = pytest.StashKey[Watch]()
_FOUND = "query_advisor_found"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("query advisor")
    group.addoption("--n-plus-one", action="store_true", help="fail every test that sends N+1 queries")
    group.addoption("--n-plus-one-threshold", type=int, default=2, help="repetitions that count as N+1 (default: 2)")
    group.addoption("--n-plus-one-baseline", metavar="FILE", help="findings that are known and do not fail")
    group.addoption("--n-plus-one-write-baseline", action="store_true", help="write the baseline instead of failing")
    group.addoption("--n-plus-one-sarif", metavar="FILE", help="write what was found as SARIF")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers and check the options."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    if config.getoption("n_plus_one_write_baseline") and not config.getoption("n_plus_one_baseline"):
        raise pytest.UsageError("--n-plus-one-write-baseline needs --n-plus-one-baseline FILE to write to.")
    config.stash[_WATCH] = watch = Watch(config)
    config.pluginmanager.register(Workers(watch), "query-advisor-workers")


@pytest.fixture
def queries(request: pytest.FixtureRequest) -> Queries:
    """What this test sends to the database: ``count``, ``statements``, ``n_plus_one()``."""
    return Queries(request.config.stash[_WATCH].recorder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Record while the test itself runs; what fixtures send is not the test's."""
    watch = item.config.stash[_WATCH]
    threshold, most = watch.limits(item)
    if threshold is None and most is None and "queries" not in getattr(item, "fixturenames", ()):
        return (yield)
    watch.hook()
    watch.recorder.clear()
    watch.recorder.enabled = True
    try:
        result = yield
    finally:
        watch.recorder.enabled = False
    told = watch.problems(threshold, most)
    if told:
        pytest.fail("\n".join(told), pytrace=False)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write baseline and SARIF; a worker of pytest-xdist hands its findings to the process that started it."""
    watch = session.config.stash[_WATCH]
    watch.recorder.close()
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_FOUND] = [astuple(repeat) for repeat in watch.found]
        return
    if watch.writes and watch.baseline_file is not None:
        write_baseline(watch.baseline_file, watch.found)
    if watch.sarif_file is not None:
        watch.sarif_file.write_text(sarif(watch.found), encoding="utf-8")


class Workers:
    """Collects what the workers of pytest-xdist found."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker has ended."""
        told = getattr(node, "workeroutput", {}).get(_FOUND, ())
        self._watch.found += [Repeat(*fields) for fields in told]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name the baseline's entries that no longer occur, when the whole suite has run."""
    watch = config.stash[_WATCH]
    if not watch.baseline or watch.writes or config.getoption("keyword") or config.getoption("markexpr"):
        return
    stale = sorted(watch.baseline - {repeat.key for repeat in watch.found})
    if stale and watch.strict:
        terminalreporter.write_sep("=", "N+1 baseline: entries that no longer occur")
        for kind, relation, file, function in stale:
            terminalreporter.write_line(f"{file} ({function}): {kind} {relation}".rstrip())
