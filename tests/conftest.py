"""What every test shares. With ADVISOR_REQUIRE_ALL_PARTS set (CI), a part that is missing fails instead of skipping."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

# What properties are tried on is the same in each run, so that a change's failure is the change's.
# ``--hypothesis-profile=search`` tries others.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("search", print_blob=True)
settings.load_profile("repeatable")

MAY_BE_MISSING = "ADVISOR_TEST_MONGODB_URL"
"""No registry carries a mongod, so tests on a real one name this variable in their skip reason and may skip."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = os.environ.get("ADVISOR_REQUIRE_ALL_PARTS")
    if required and report.skipped and not hasattr(report, "wasxfail") and MAY_BE_MISSING not in str(report.longrepr):
        reason: Any = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} skipped, but every part must be here: {reason[2] if reason else ''}"
    return report
