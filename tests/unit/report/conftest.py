"""A report on a small shop, made by hand: every kind of remedy, seen and unseen coverage, plans before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.model.codec import decode
from advisor.model.report import Report

SHOP = Path(__file__).parents[2] / "cases" / "report" / "shop.advisor.json"


@pytest.fixture(scope="session")
def shop() -> Report:
    return decode(Report, json.loads(SHOP.read_text(encoding="utf-8")))
