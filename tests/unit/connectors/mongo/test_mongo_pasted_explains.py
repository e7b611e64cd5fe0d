"""Explains as people paste them, of shells and drivers of 4.4 to 8.3 (made up after what is seen in public threads)."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import pipeline
from advisor.errors import SourceError
from advisor.model.plan import Access
from advisor.model.recommendation import AddIndex
from connectors.mongo import analyze_files, shell_text
from connectors.mongo.explain_files import explain_file
from connectors.mongo.logs.looking import Kind, by_looking
from connectors.mongo.shell_text import documents

CASES = Path(__file__).parents[3] / "cases" / "mongo" / "explains"
Read = tuple[str, str, Access, str, int | None, int | None]
INDEX, COVERED, SCAN = Access.INDEX, Access.INDEX_ONLY, Access.SEQUENTIAL

READS: dict[str, tuple[list[Read], tuple[int | None, int | None, float]]] = {
    "express_8.0_mongosh.txt": ([("EXPRESS_IXSCAN", "fleet.drivers", INDEX, "badge_1", 1, 1)], (1, 1, 1)),
    "sharded_find_4.4_mongo.txt": (
        [
            ("IXSCAN", "fleet.trips", INDEX, "ended_1", 900, None),
            ("IXSCAN", "fleet.trips", INDEX, "ended_1", 300, None),
        ],
        (1200, 1200, 40),
    ),
    "sbe_aggregate_8.3.json": (
        [
            ("IXSCAN", "fleet.trips", INDEX, "depot_1_ended_1", 70, 0),
            ("COLLSCAN", "fleet.drivers", SCAN, "", 0, 1500),
        ],
        (70, 1570, 3),
    ),
    "joined_8.3.json": (
        [
            ("COLLSCAN", "fleet.trips", SCAN, "", None, None),
            ("INDEX_PROBE_NODE", "fleet.drivers", INDEX, "badge_1", None, None),
            ("COLLSCAN", "fleet.depots", SCAN, "", None, None),
        ],
        (None, None, 0),
    ),
    "timeseries_6.0_mongosh.txt": ([("CLUSTERED_IXSCAN", "fleet.readings", INDEX, "_id_", 0, 13)], (0, 13, 800)),
    "sharded_aggregate_7.0_mongosh.txt": (
        [("IXSCAN", "fleet.trips", INDEX, "depot_1", 60, 0), ("COLLSCAN", "fleet.trips", SCAN, "", 0, 5000)],
        (60, 5060, 6),
    ),
    "lookup_5.0_pymongo.txt": (
        [("IDHACK", "fleet.trips", INDEX, "_id_", 1, 1), ("IXSCAN", "fleet.drivers", INDEX, "_id_", 1, 1)],
        (2, 2, 1),
    ),
    "figures_only_8.0.json": ([("EXPRESS_IXSCAN", "None", INDEX, "badge_1", 1, 1)], (1, 1, 1)),
    "winning_plan_only_7.0_mongosh.txt": (
        [("CLUSTERED_IXSCAN", "None", INDEX, "_id_", None, None)],
        (None, None, 0),
    ),
    "summarized_sharded.md": (
        [("IXSCAN", "None", INDEX, "", 5, None), ("IXSCAN", "None", INDEX, "", 24, None)],
        (29, 10, 5),
    ),
    "batched_delete_7.0.json": ([("IXSCAN", "fleet.trips", INDEX, "a_1", 40, None)], (40, 40, 40)),
    "trimmed_by_hand.txt": ([("IXSCAN", "fleet.trips", INDEX, "depot_1_ended_-1", 41000, None)], (41000, 40950, 5)),
}
"""By file: who reads what by which index, with keys and documents; and of the whole plan keys, documents, returned."""


@pytest.mark.parametrize("name", READS)
def test_what_was_pasted_is_read(name: str) -> None:
    path = CASES / name
    assert by_looking(path) is Kind.EXPLAIN
    (plan,) = explain_file(path)
    reads = [
        (node.kind, str(node.table), node.access, node.index, node.keys_examined, node.documents_examined)
        for node in plan.nodes()
        if node.access
    ]
    totals = (plan.keys_examined(), plan.documents_examined(), _returned(plan.root))
    assert (reads, totals) == READS[name]


def _returned(node: object) -> float:
    """Of the root; of a merge that does not count, what came to it."""
    rows, children = getattr(node, "actual_rows", None), getattr(node, "children", ())
    return rows if rows is not None else max((_returned(child) for child in children), default=0)


def test_every_case_is_tried() -> None:
    assert {path.name for path in CASES.iterdir()} == {*READS, "cut_by_console_log.txt"}


def test_a_sharded_aggregation_takes_as_long_as_its_slowest_shard() -> None:
    (plan,) = explain_file(CASES / "sharded_aggregate_7.0_mongosh.txt")
    assert plan.execution_ms == 21


TEXTS = {
    "sharded_find_4.4_mongo.txt": (
        '{"find":"trips","$db":"fleet","filter":{"$and":[{"depot":{"$eq":"?string"}},{"ended":{"$gte":"?date"}}]}}'
    ),
    "timeseries_6.0_mongosh.txt": '{"aggregate":"readings","$db":"fleet"',
    "express_8.0_mongosh.txt": '{"find":"drivers","$db":"fleet","filter":{"badge":"?string"}}',
    "trimmed_by_hand.txt": "",
    "summarized_sharded.md": "",
    "batched_delete_7.0.json": '{"delete":"trips","$db":"fleet","filter":{"a":{"$lt":"?number"}}}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_query_is_its_command_or_else_what_was_parsed(name: str) -> None:
    (plan,) = explain_file(CASES / name)
    assert plan.text.startswith(TEXTS[name])
    assert bool(plan.text) is bool(TEXTS[name])


def test_plans_without_a_statement_are_judged_all_the_same(tmp_path: Path) -> None:
    report = pipeline.analyze(analyze_files([CASES / "trimmed_by_hand.txt"], None, tmp_path))
    assert [finding.rule for finding in report.findings] == ["inefficient-index-scan"]


def test_a_join_without_index_is_told_of_its_foreign_side(tmp_path: Path) -> None:
    report = pipeline.analyze(analyze_files([CASES / "sbe_aggregate_8.3.json"], None, tmp_path))
    assert [finding.rule for finding in report.findings] == ["unindexed-lookup"]
    built = [r.action.index for r in report.recommendations if isinstance(r.action, AddIndex)]
    assert [(index.table.name, index.keys) for index in built] == [("drivers", ("badge",))]


def test_a_plan_that_the_shell_cut_is_not_taken_for_a_whole_one() -> None:
    with pytest.raises(SourceError, match=r"lacks stages .*EJSON"):
        explain_file(CASES / "cut_by_console_log.txt")


def test_what_a_shell_prints_is_read_as_extended_json() -> None:
    text = """> db.c.findOne() // {
    { _id: new ObjectId("5f"), 'a b': /x\\/y/i, n: NumberLong("9007199254740993"), d: ISODate('2024-01-01'), /* { */
      list: [ 1, -2.5e3, [Object], ... 3 more items ], u: undefined, m: MaxKey, "q\\"": 'it\\'s', t: true, }
    { broken: [ }
    [{a: 1}, {b: None}] trailing }"""
    assert list(documents(text)) == [
        {
            "_id": {"$oid": "5f"}, "a b": {"$regularExpression": {"pattern": "x\\/y", "options": "i"}},
            "n": 9007199254740993, "d": {"$date": "2024-01-01"}, "list": [1, -2500.0, "…", "…"], "u": None,
            "m": "MaxKey",
            'q"': "it's", "t": True,
        },
        {"a": 1}, {"b": None},
    ]  # fmt: skip


def test_what_drivers_and_node_print_is_read_too() -> None:
    text = """node { at: 2024-03-01T06:00:00.000Z, rest: [ ... ], ..., x: 1 }
    { at: 2024-03-01T06:00:00.000Z, rest: [ ... ], ..., x: 1 }
    {'t': datetime.datetime(2024, 3, 1, 6, 0, tzinfo=datetime.timezone.utc), 'hash': b'\\x00it\\'s',
     'k': SON([('a', 1)]), 'z': <bson.tz_util.FixedOffset object at 0x7f00>}
    {"queryPlanner"=>{"namespace"=>"fleet.trips"}, "_id"=>BSON::ObjectId('5f'), "none"=>nil}"""
    node, python, ruby = documents(text)
    assert node == {"at": {"$date": "2024-03-01T06:00:00.000Z"}, "rest": ["…"], "x": 1}
    assert python == {"t": {"$date": 2024}, "hash": "\0it's", "k": "SON", "z": "…"}
    assert ruby == {"queryPlanner": {"namespace": "fleet.trips"}, "_id": {"$oid": "5f"}, "none": None}


COMMENTED = {
    "lines": "// got:\n// { stage: 'A',\n//   n: 1 }\n",
    "a block": "/* { stage: 'A',\n n: 1 } */\n",
    "a block with stars": "/**\n * { stage: 'A',\n *   n: 1 }\n */\n",
}


@pytest.mark.parametrize("how", COMMENTED)
def test_a_document_in_a_comment_of_a_script_is_found_once(how: str) -> None:
    script = "db.trips.find({\n a: 5 // five\n});\n" + COMMENTED[how] + "for (const x of y) {\n  print(x);\n}\n"
    assert list(documents(script)) == [{"a": 5}, {"stage": "A", "n": 1}]


@pytest.mark.parametrize("mark", ["// ", "> ", "#", "\t"])
def test_an_explain_that_was_quoted_is_the_same(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "pasted.txt"
    text = (CASES / "sharded_aggregate_7.0_mongosh.txt").read_text(encoding="utf-8")
    path.write_text("".join(mark + line for line in text.splitlines(keepends=True)), encoding="utf-8")
    assert by_looking(path) is Kind.EXPLAIN
    assert explain_file(path) == explain_file(CASES / "sharded_aggregate_7.0_mongosh.txt")


@pytest.mark.parametrize("piece", ["\n{a: ", "([", "\n[", "> {"])
def test_brackets_that_nobody_closes_are_given_up(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = 0
    whole = shell_text._Reader._next

    def counted(reader: shell_text._Reader) -> tuple[str, str]:
        nonlocal tokens
        tokens += 1
        return whole(reader)

    monkeypatch.setattr(shell_text._Reader, "_next", counted)
    assert list(documents(piece * 4_000)) == []
    assert tokens < 4 * shell_text.PATIENCE * len(piece * 4_000)


@pytest.mark.parametrize("text", ["", "{", "{a", "{a:", "[", "{a: [[[", "{" * 3000, "> {a: (}", "{a: new }"])
def test_what_is_no_document_yields_none(text: str) -> None:
    assert list(documents(text)) == []
