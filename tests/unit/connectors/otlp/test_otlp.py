from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import LogFormatError
from advisor.ports import CaptureRequest, Options
from advisor.workload import digest
from connectors import otlp
from connectors.otlp.receiver import Inbox, decoded
from connectors.otlp.texts import without_values

SECOND = 1_000_000_000


def attribute(key: str, value: str | int) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def span(trace: int, number: int, text: str = "", **more: str | int) -> dict[str, Any]:
    start = 1_767_225_600 * SECOND + trace * SECOND + number * 2_000_000
    attributes = [attribute(key.replace("__", "."), value) for key, value in more.items()]
    if text:
        attributes += [attribute("db.query.text", text), attribute("db.system.name", "postgresql")]
    return {
        "traceId": f"{trace:032x}",
        "spanId": f"{trace * 1000 + number:016x}",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 1_000_000),
        "attributes": attributes,
        "unknownField": {"is": "ignored"},
    }


def export(spans: list[dict[str, Any]]) -> dict[str, Any]:
    resource = {"attributes": [attribute("service.name", "shop")]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}


def requests(count: int = 3) -> list[dict[str, Any]]:
    batches = []
    for trace in range(1, count + 1):
        spans = [span(trace, 0, http__route="/books")]
        spans.append(span(trace, 1, "SELECT id, author_id FROM books LIMIT 20"))
        spans += [
            span(
                trace,
                n,
                "SELECT name FROM authors WHERE id = %s",
                code__file__path="app/views.py",
                code__line__number=31,
            )
            for n in range(2, 10)
        ]
        batches.append(export(list(reversed(spans))))  # exporters keep no order
    return batches


def test_traces_become_a_capture_whose_bursts_are_found(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_text("\n".join(json.dumps(batch) for batch in requests()), encoding="utf-8")
    assert otlp.owns_files([file])
    capture = otlp.read_files(CaptureRequest(tmp_path / "capture", logs=(file,)))
    (burst,) = digest(capture, Options()).bursts
    assert burst.pattern == "n-plus-one"
    assert (burst.units, burst.per_unit) == (3, 8)
    assert burst.unit_kind.value == "trace"
    assert burst.routes == ("/books",)
    assert str(burst.call_sites[0]) == "app/views.py:31"


def test_no_database_span_is_said(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_text(json.dumps(export([span(1, 0, http__route="/")])), encoding="utf-8")
    capture = otlp.read_files(CaptureRequest(tmp_path / "capture", logs=(file,)))
    assert not capture.coverage[0].seen
    assert "instrumentation" in capture.coverage[0].remedy


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_text('{"resourceSpans": [{"scopeSpans": [', encoding="utf-8")
    with pytest.raises(LogFormatError, match="one batch a line"):
        otlp.read_files(CaptureRequest(tmp_path / "capture", logs=(file,)))


def test_other_files_are_not_claimed(tmp_path: Path) -> None:
    file = tmp_path / "mongod.log"
    file.write_text('{"t": {"$date": "2026"}}', encoding="utf-8")
    assert not otlp.owns_files([file])
    assert not otlp.owns_files([tmp_path / "missing"])


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("SELECT a FROM t WHERE b = 'it''s' AND c = -3.5e2", "SELECT a FROM t WHERE b = $0 AND c = -$0"),
        ('SELECT a1 FROM t1 WHERE x = $1 /* c */ AND "q 1" = ?', 'SELECT a1 FROM t1 WHERE x = $1 AND "q 1" = $1'),
    ],
)
def test_values_are_taken_out(given: str, wanted: str) -> None:
    assert without_values(given) == wanted


def field(number: int, value: bytes | int, fixed: bool = False) -> bytes:
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3 | 1) + value.to_bytes(8, "little") if fixed else varint(number << 3) + varint(value)


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def as_protobuf(message: dict[str, Any]) -> bytes:
    def attributes(found: list[dict[str, Any]], number: int) -> bytes:
        out = b""
        for one in found:
            value = one["value"]
            held = (
                field(1, value["stringValue"].encode()) if "stringValue" in value else field(3, int(value["intValue"]))
            )
            out += field(number, field(1, one["key"].encode()) + field(2, held))
        return out

    body = b""
    for resource_span in message["resourceSpans"]:
        spans = b""
        for one in resource_span["scopeSpans"][0]["spans"]:
            encoded = field(1, bytes.fromhex(one["traceId"])) + field(2, bytes.fromhex(one["spanId"]))
            encoded += field(7, int(one["startTimeUnixNano"]), fixed=True)
            encoded += field(8, int(one["endTimeUnixNano"]), fixed=True) + attributes(one["attributes"], 9)
            spans += field(2, encoded)
        body += field(1, field(1, attributes(resource_span["resource"]["attributes"], 1)) + field(2, spans))
    return body


@pytest.mark.parametrize("form", ["json", "json gzip", "protobuf", "protobuf gzip"])
def test_what_an_exporter_posts_is_kept(form: str, tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "traces.jsonl")
    for batch in requests():
        body = json.dumps(batch).encode() if "json" in form else as_protobuf(batch)
        kind = "application/json" if "json" in form else "application/x-protobuf"
        packed = gzip.compress(body) if "gzip" in form else body
        _, answered = inbox.accept(packed, kind, "gzip" if "gzip" in form else "")
        assert answered == kind
    capture = otlp.read_files(CaptureRequest(tmp_path / "capture", logs=(tmp_path / "traces.jsonl",)))
    (burst,) = digest(capture, Options()).bursts
    assert burst.per_unit == 8


@pytest.mark.parametrize(
    ("body", "kind", "encoding"),
    [
        (b"\xff\xff\xff", "application/x-protobuf", ""),
        (b"[1]", "application/json", ""),
        (b"{", "application/json", ""),
        (b"not gzip", "application/json", "gzip"),
        (gzip.compress(b" " * (65 << 20)), "application/json", "gzip"),
        (b"{" * 100_000, "application/json", ""),
        (b"[" * 100_000, "application/json", ""),
        (gzip.compress(b'{"resourceSpans":[]}' * 100)[:-20], "application/json", "gzip"),
        (as_protobuf(requests(1)[0])[:-3], "application/x-protobuf", ""),
        (b"{}", "text/plain", ""),
        (b"", "", ""),
        (b"{}", "application/json", "br"),
        (b'{"resourceSpans": [1]}', "application/json", ""),
        (b'{"resourceSpans": {"a": 1}}', "application/json", ""),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": ["x"]}]}]}', "application/json", ""),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [3]}]}]}]}', "application/json", ""),
    ],
    ids=[
        *("cut protobuf", "a list", "half", "not gzip", "a bomb", "deep", "deep lists", "cut gzip", "cut message"),
        *("another type", "no type", "another coding", "no resource", "no list", "no span", "no attribute"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(body: bytes, kind: str, encoding: str) -> None:
    with pytest.raises(LogFormatError) as refused:
        decoded(body, kind, encoding)
    assert str(refused.value).count(".") == 1
    assert "\n" not in str(refused.value)


def test_odd_spans_spoil_no_others(tmp_path: Path) -> None:
    """Two attributes of one key, a span without times, a value of another type, a span that ends before it begins."""
    inbox = Inbox(tmp_path / "traces.jsonl")
    for batch in requests():
        inbox.accept(json.dumps(batch).encode(), "application/json; charset=utf-8")
    odd = export([span(9, 1, "SELECT 1 FROM t"), span(9, 2, "SELECT 1 FROM t"), span(9, 3), span(9, 4, "SELECT 2")])
    first, second, third, fourth = odd["resourceSpans"][0]["scopeSpans"][0]["spans"]
    first["attributes"] *= 2
    del second["startTimeUnixNano"]
    third["attributes"].append({"key": "db.query.text", "value": {"arrayValue": {"values": []}}})
    fourth["startTimeUnixNano"], fourth["endTimeUnixNano"] = fourth["endTimeUnixNano"], "0"
    inbox.accept(json.dumps(odd).encode(), "application/json")
    capture = otlp.read_files(CaptureRequest(tmp_path / "capture", logs=(tmp_path / "traces.jsonl",)))
    (burst,) = digest(capture, Options()).bursts
    assert burst.per_unit == 8


def test_many_spans_of_one_post_become_lines_that_can_be_read(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "traces.jsonl")
    text = "SELECT * FROM t WHERE note = " + "x" * 20_000
    inbox.accept(json.dumps(export([span(1, n, text) for n in range(2000)])).encode(), "application/json")
    assert max(len(line) for line in (tmp_path / "traces.jsonl").read_text().splitlines()) < 32 << 20
    capture = otlp.read_files(CaptureRequest(tmp_path / "capture", logs=(tmp_path / "traces.jsonl",)))
    assert capture.coverage[0].count == 2000


def test_packed_files_are_read_and_bombs_refused(tmp_path: Path) -> None:
    lines = "".join(json.dumps(batch) + "\n" for batch in requests()).encode()
    packed, bomb, cut = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz", tmp_path / "c.jsonl.gz"
    packed.write_bytes(gzip.compress(lines))
    bomb.write_bytes(gzip.compress(b'{"resourceSpans":[' + b" " * (200 << 20)))
    cut.write_bytes(gzip.compress(lines * 200)[:-500])
    assert otlp.owns_files([packed, bomb, cut])
    capture = otlp.read_files(CaptureRequest(tmp_path / "capture", logs=(packed,)))
    (burst,) = digest(capture, Options()).bursts
    assert burst.per_unit == 8
    for damaged in (bomb, cut):
        with pytest.raises(LogFormatError):
            otlp.read_files(CaptureRequest(tmp_path / "other", logs=(damaged,)))
