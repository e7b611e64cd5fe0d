"""MongoDB's tools write the files in tests/cases/export; ADVISOR_UPDATE=1 writes them anew."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from advisor import export
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import Action, AddIndex, Benefit, DropIndex, Method, MigrationStub, Recommendation

CASES = Path(__file__).parents[2] / "cases" / "export"
ORDERS = TableName("shop", "orders")
AT = datetime(2026, 11, 20, 16, 41, tzinfo=UTC)
ACTIONS: dict[str, Action] = {
    "plain": AddIndex(
        Index(
            ORDERS,
            (IndexColumn("status"), IndexColumn("items.product_id"), IndexColumn("created_at", descending=True)),
            name="status_1_items.product_id_1_created_at_-1",
        )
    ),
    "sparse": AddIndex(
        Index(
            TableName("shop", "user's-log"),
            (IndexColumn("deleted_at"),),
            name="deleted_at_1_sparse",
            options={"sparse": "true", "collation": '{"locale": "de", "strength": 2}'},
        )
    ),
    "drop": DropIndex(
        Index(
            ORDERS,
            (IndexColumn("rating"),),
            name="rating_1",
            exists=True,
            definition='{"key": {"rating": 1}, "name": "rating_1", "partialFilterExpression": {"rating": {"$gt": 3}}}',
        ),
        hide_first=True,
    ),
}
TOOLS = [tool.name for tool in export.tools("mongodb")]


def made(tool: str, case: str) -> MigrationStub:
    recommendation = Recommendation(
        id="add_index-0123456789ab",
        title="Create an index on orders",
        action=ACTIONS[case],
        statement="db.orders.createIndex(…)",
        tables=(ORDERS,),
        problem="60,000 documents are read for 12.",
        root_cause="No index begins with status.",
        solution="Equality, sort, range.",
        benefit=Benefit(Method.ESTIMATED, "rule"),
        migration_impact=MigrationImpact("Builds it on every member."),
        risks=(),
        verification=(),
        acceptance=(),
    )
    return export.stubs([recommendation], tool, at=AT)[0]


@pytest.mark.parametrize("case", ACTIONS)
@pytest.mark.parametrize("tool", TOOLS)
def test_mongo_files_are_as_expected(tool: str, case: str) -> None:
    stub = made(tool, case)
    files = "".join(f"=== {path}\n{text}" for path, text in stub.files)
    text = f"{files}=== snippet\n{stub.snippet}\n=== instructions\n{stub.instructions}\n"
    text = re.sub(r"Query Advisor \d+\.\d+\.\d+", "Query Advisor X", text)
    expected = CASES / tool / f"{case}.txt"
    if os.environ.get("ADVISOR_UPDATE"):
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("tool", TOOLS)
def test_an_index_is_hidden_before_it_is_dropped_and_the_drop_waits(tool: str) -> None:
    paths = [path for path, _ in made(tool, "drop").files]
    assert paths[0].split("/")[0] != "later"
    assert paths[-1].startswith("later/")


@pytest.mark.parametrize("case", ACTIONS)
@pytest.mark.parametrize("tool", [name for name in TOOLS if name in ("pymongo-migrate", "beanie")])
def test_python_files_compile(tool: str, case: str) -> None:
    for path, text in made(tool, case).files:
        compile(text, path, "exec")
