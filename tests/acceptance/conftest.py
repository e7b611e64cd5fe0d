"""The sample shop on an embedded server: built, used and scanned once for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.sample_shop import Shop, running


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running(tmp_path_factory.mktemp("log")) as shop:
        yield shop
