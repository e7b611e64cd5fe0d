"""What an OTLP/HTTP exporter posts to ``/v1/traces``: protobuf or JSON, gzip or not, kept as OTLP JSON lines.

The service that mounts a route hands body and headers to :meth:`Inbox.accept` and answers with its result. Only the
fields that ``spans.sql`` reads are decoded (opentelemetry-proto, trace/v1/trace.proto and common/v1/common.proto).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from advisor.errors import LogFormatError
from connectors.otlp.files import LONGEST_LINE

LARGEST = 64 << 20
"""Bytes of one post after unpacking; the collector's own receiver takes 20 MiB by default."""

SPANS_A_LINE = 500
"""Spans of one line of the file, so that no line outgrows what the reader takes."""

_JSON, _PROTOBUF = "application/json", "application/x-protobuf"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Inbox:
    """Appends what arrives to ``path``, a file that :func:`connectors.otlp.read_files` reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def accept(self, body: bytes, content_type: str, content_encoding: str = "") -> tuple[bytes, str]:
        """Keep one post; returns the body and the content type of the answer (an empty ExportTraceServiceResponse).

        Raises :class:`LogFormatError` for anything that is not OTLP, and keeps nothing of it; the service answers 400.
        """
        message = decoded(body, content_type, content_encoding)
        lines = [json.dumps(part, separators=(",", ":")) + "\n" for part in _in_parts(message)]
        if any(len(line) > LONGEST_LINE for line in lines):
            raise LogFormatError(
                f"{SPANS_A_LINE} spans are larger than {LONGEST_LINE >> 20} MiB; send smaller batches."
            )
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.writelines(lines)
        return (b"{}", _JSON) if _kind(content_type) == _JSON else (b"", _PROTOBUF)


def decoded(body: bytes, content_type: str, content_encoding: str = "") -> dict[str, Any]:
    """The post as OTLP JSON, with the fields that the reader knows. Raises :class:`LogFormatError`."""
    kind = _kind(content_type)
    if kind not in (_JSON, _PROTOBUF):
        raise LogFormatError(f"{kind or 'No content type'} is not OTLP; post traces as {_PROTOBUF} or {_JSON}.")
    body = _unpacked(body, content_encoding.strip().lower())
    try:
        if kind == _PROTOBUF:
            return {"resourceSpans": [_resource_spans(part) for part in _parts(body, 1)]}
        message = json.loads(body)
        if not isinstance(message, dict):
            raise ValueError("no object")
        return {"resourceSpans": [_checked_resource(part) for part in _listed(message, "resourceSpans")]}
    except (ValueError, IndexError, RecursionError, struct.error) as error:
        raise LogFormatError(
            "The body is not an OTLP export of traces; post to /v1/traces as protobuf or JSON."
        ) from error


def _kind(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding not in ("", "identity", "gzip"):
        raise LogFormatError(f"The content encoding {encoding} is not OTLP's; send the traces with gzip or without.")
    if encoding == "gzip":
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            body = unpack.decompress(body, LARGEST + 1)
        except zlib.error as error:
            raise LogFormatError("The body is not gzip; send it again as its content encoding says.") from error
        if not unpack.eof and len(body) <= LARGEST:
            raise LogFormatError("The gzip body is cut short; send it again.")
    if len(body) > LARGEST:
        raise LogFormatError(f"The traces are larger than {LARGEST >> 20} MiB unpacked; send smaller batches.")
    return body


def _in_parts(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in message["resourceSpans"]:
        spans = [span for scope in resource["scopeSpans"] for span in scope["spans"]]
        for start in range(0, len(spans), SPANS_A_LINE):
            scopes = [{"spans": spans[start : start + SPANS_A_LINE]}]
            yield {"resourceSpans": [{"resource": resource["resource"], "scopeSpans": scopes}]}


def _checked_resource(told: Any) -> dict[str, Any]:
    """What is known of one element of ``resourceSpans``; raises ``ValueError`` where it has another form."""
    resource = _object(_object(told).get("resource") or {})
    scopes = [{"spans": [_checked_span(s) for s in _listed(_object(c), "spans")]} for c in _listed(told, "scopeSpans")]
    return {"resource": {"attributes": _checked_attributes(resource)}, "scopeSpans": scopes}


def _checked_span(told: Any) -> dict[str, Any]:
    kept = {name: value for name, value in _object(told).items() if name in _SPAN and isinstance(value, str | int)}
    return {**{name: str(value) for name, value in kept.items()}, "attributes": _checked_attributes(told)}


def _checked_attributes(told: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for attribute in _listed(told, "attributes"):
        value = _object(_object(attribute).get("value") or {})
        simple = {name: one for name, one in value.items() if name in _VALUES and isinstance(one, _VALUES[name])}
        found.append({"key": str(attribute.get("key", "")), "value": simple})
    return found


def _listed(told: dict[str, Any], name: str) -> list[Any]:
    found = told.get(name) or []
    if not isinstance(found, list):
        raise ValueError(name)
    return found


def _object(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told


_SPAN = frozenset(["traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano"])
_VALUES: dict[str, Any] = {
    "stringValue": str, "intValue": str | int, "doubleValue": float | int, "boolValue": bool,
}  # fmt: skip


def _resource_spans(data: bytes) -> dict[str, Any]:
    resource = next(_parts(data, 1), b"")
    scopes = [{"spans": [_span(span) for span in _parts(scope, 2)]} for scope in _parts(data, 2)]
    return {"resource": {"attributes": [_attribute(part) for part in _parts(resource, 1)]}, "scopeSpans": scopes}


def _span(data: bytes) -> dict[str, Any]:
    span: dict[str, Any] = {"attributes": []}
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            span["traceId"] = value.hex()
        elif number == 2 and isinstance(value, bytes):
            span["spanId"] = value.hex()
        elif number == 4 and isinstance(value, bytes):
            span["parentSpanId"] = value.hex()
        elif number == 5 and isinstance(value, bytes):
            span["name"] = value.decode()
        elif number == 7:
            span["startTimeUnixNano"] = str(value)
        elif number == 8:
            span["endTimeUnixNano"] = str(value)
        elif number == 9 and isinstance(value, bytes):
            span["attributes"].append(_attribute(value))
    return span


def _attribute(data: bytes) -> dict[str, Any]:
    key = next(_parts(data, 1), b"").decode()
    value: dict[str, Any] = {}
    for number, raw in _fields(next(_parts(data, 2), b"")):
        if number == 1 and isinstance(raw, bytes):
            value["stringValue"] = raw.decode()
        elif number == 2:
            value["boolValue"] = bool(raw)
        elif number == 3 and isinstance(raw, int):
            value["intValue"] = str(raw - (1 << 64) if raw >> 63 else raw)
        elif number == 4 and isinstance(raw, int):
            value["doubleValue"] = struct.unpack("<d", struct.pack("<Q", raw))[0]
    return {"key": key, "value": value}


def _parts(data: bytes, wanted: int) -> Iterator[bytes]:
    """The length-delimited fields with one number."""
    return (value for number, value in _fields(data) if number == wanted and isinstance(value, bytes))


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a protobuf message. Raises ``ValueError`` or ``IndexError`` when it is cut."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind, size = tag & 7, 0
        if kind == _VARINT:
            number, position = _varint(data, position)
            yield tag >> 3, number
            continue
        if kind == _BYTES:
            size, position = _varint(data, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if position + size > len(data):
            raise ValueError("cut")
        value = data[position : position + size]
        position += size
        yield tag >> 3, value if kind == _BYTES else int.from_bytes(value, "little")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("varint")
