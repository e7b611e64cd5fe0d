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

LARGEST = 64 << 20
"""Bytes of one post after unpacking; the collector's own receiver takes 20 MiB by default."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Inbox:
    """Appends what arrives to ``path``, a file that :func:`connectors.otlp.read_files` reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def accept(self, body: bytes, content_type: str, content_encoding: str = "") -> tuple[bytes, str]:
        """Keep one post; returns the body and the content type of the answer (an empty ExportTraceServiceResponse).

        Raises :class:`LogFormatError` for anything that is not OTLP; the service answers 400 then.
        """
        message = decoded(body, content_type, content_encoding)
        line = json.dumps(message, separators=(",", ":")) + "\n"
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(line)
        return (b"{}", "application/json") if "json" in content_type else (b"", "application/x-protobuf")


def decoded(body: bytes, content_type: str, content_encoding: str = "") -> dict[str, Any]:
    """The post as OTLP JSON. Raises :class:`LogFormatError`."""
    try:
        if content_encoding == "gzip":
            unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
            body = unpack.decompress(body, LARGEST)
            if unpack.unconsumed_tail:
                raise LogFormatError(f"The traces are larger than {LARGEST >> 20} MiB unpacked; send smaller batches.")
        if "json" in content_type:
            message = json.loads(body)
            if not isinstance(message, dict) or not isinstance(message.get("resourceSpans", []), list):
                raise ValueError("no resourceSpans")
            return {"resourceSpans": message.get("resourceSpans", [])}
        return {"resourceSpans": [_resource_spans(part) for part in _parts(body, 1)]}
    except (ValueError, IndexError, struct.error, zlib.error) as error:
        raise LogFormatError(
            "The body is not an OTLP export of traces; post to /v1/traces as protobuf or JSON."
        ) from error


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
