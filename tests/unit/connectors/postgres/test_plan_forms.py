"""One plan, four forms, three versions: all must become the same Plan. Files under tests/cases/plans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from advisor.errors import SourceError
from advisor.model.catalog import TableName
from advisor.model.codec import decode, encode
from advisor.model.plan import Access, Plan, PlanNode
from connectors.postgres.plan import parse_plan

CASES = Path(__file__).parents[3] / "cases" / "plans"
PLANS = sorted(CASES.glob("*/??.json"))
# What the text form does not say or says in another place.
UNTOLD = {"Parent Relationship", "Inner Unique", "Async Capable", "Scan Direction", "Single Copy", "Command"}


def comparable(node: PlanNode) -> PlanNode:
    kept = {name: value for name, value in node.attributes.items() if name not in UNTOLD}
    return replace(
        node,
        # The text form names what is changed, not the alias of it.
        alias="" if node.kind == "ModifyTable" else node.alias,
        attributes=kept,
        children=tuple(comparable(child) for child in node.children),
    )


def only(path: Path) -> Plan:
    (plan,) = parse_plan(path.read_text())
    return plan


@pytest.mark.parametrize("path", PLANS, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.parametrize("form", ["yaml", "xml", "txt"])
def test_every_form_gives_the_same_plan(path: Path, form: str) -> None:
    expected = only(path)
    assert expected.cost > 0
    assert comparable(only(path.with_suffix("." + form)).root) == comparable(expected.root)


@pytest.mark.parametrize("path", PLANS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_plan_survives_the_capture_folder(path: Path) -> None:
    plan = only(path)
    assert decode(Plan, encode(plan)) == plan


@pytest.mark.parametrize(
    "path", sorted(CASES.glob("*/*.analyze.txt")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_measured_plans_tell_rows_and_times_in_text_and_json(path: Path) -> None:
    text = only(path)
    assert not text.generic
    assert text.execution_ms is not None
    assert text.planning_ms is not None
    assert all(node.actual_rows is not None for node in text.nodes())
    json = path.with_suffix(".json")
    if json.exists():
        assert [node.kind for node in only(json).nodes()] == [node.kind for node in text.nodes()]


def test_a_sort_on_disk_tells_its_bytes() -> None:
    sort = only(CASES / "spilling-sort" / "15.analyze.txt").root
    assert sort.kind == "Sort"
    assert sort.spilled_bytes == 2264 * 1024
    assert sort.sort_keys == ("animal.weight", "animal.doc")
    assert sort.buffers_hit == 360
    assert sort.children[0].access is Access.SEQUENTIAL
    assert sort.children[0].table == TableName("zoo", "animal")


def test_workers_lines_do_not_replace_the_nodes_own() -> None:
    plan = only(CASES / "parallel-join" / "18.analyze.txt")
    assert plan.root.buffers_hit == 564
    assert [node.buffers_hit for node in plan.nodes() if node.kind == "Append"] == [97]


def test_bitmap_and_subplans_and_partitions() -> None:
    bitmap = only(CASES / "bitmap-or" / "16.txt")
    assert {node.access for node in bitmap.scans()} == {Access.BITMAP}
    assert {node.index for node in bitmap.scans() if node.index} == {"animal_kind_seen_idx", "animal_pkey"}
    subplans = only(CASES / "subplans" / "16.txt")
    names = {node.attributes["Subplan Name"] for node in subplans.nodes() if "Subplan Name" in node.attributes}
    assert {"CTE c"} < names
    assert any(node.kind == "Append" for node in subplans.nodes())


def test_literals_of_the_user_are_replaced() -> None:
    plan = only(CASES / "bitmap-or" / "16.txt")
    told = " ".join(str(encode(node)) for node in plan.nodes())
    assert "kind1" not in told
    assert "$0" in told
    (kept,) = parse_plan((CASES / "bitmap-or" / "16.txt").read_text(), keep_values=True)
    assert "kind1" in str(encode(kept.root))


def test_a_cut_document_says_so() -> None:
    whole = (CASES / "subplans" / "16.json").read_text()
    for damaged in (whole[: len(whole) // 2], (CASES / "subplans" / "16.xml").read_text()[:900]):
        with pytest.raises(SourceError, match="cut off or damaged"):
            parse_plan(damaged)
