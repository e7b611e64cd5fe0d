"""Parquet files put behind one another without reading their data: the row groups' bytes as they are, one footer.

A footer is a Thrift structure in the compact protocol (Apache Parquet, ``parquet.thrift``; Apache Thrift, "Thrift
compact protocol encoding"). Only places in the file change in it, and the sums.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"PAR1"
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12

Struct = dict[int, tuple[int, Any]]
"""A Thrift structure: field number -> (type in the compact protocol, value). A list is (type, values), and a structure
that is encoded already is bytes."""

# Field numbers in parquet.thrift: of FileMetaData, of RowGroup, of ColumnChunk, of ColumnMetaData.
_SCHEMA, _ROWS, _GROUPS = 2, 3, 4
_COLUMNS, _GROUP_PLACE, _ORDINAL = 1, 5, 7
_CHUNK_PLACES, _META = (2, 4, 6), 3
_META_PLACES = (9, 10, 11, 14)


@dataclass
class Joined:
    """The rows of several Parquet files with the same columns, appended to ``out`` one file after the other.

    ``whole`` is the footer so far, ``groups`` its row groups as they will be written.
    """

    out: BinaryIO
    whole: Struct = field(default_factory=dict)
    groups: list[bytes] = field(default_factory=list)

    def append(self, part: Path) -> None:
        """Put the rows of ``part`` behind those before; nothing is readable before :meth:`close`."""
        with part.open("rb") as data:
            end = data.seek(-8, 2)
            size = int.from_bytes(data.read(4), "little")
            data.seek(end - size)
            footer = _Decoder(data.read(size)).struct()
            data.seek(0 if not self.whole else len(_MAGIC))
            shift = self.out.tell() - data.tell()
            _copy(data, self.out, end - size - data.tell())
        for group in footer[_GROUPS][1][1]:
            _move(group, shift, len(self.groups))
            self.groups.append(_struct(group))
        if not self.whole:
            self.whole = {**footer, _ROWS: (footer[_ROWS][0], 0)}
        assert footer[_SCHEMA] == self.whole[_SCHEMA], "the parts of a file have the same columns"
        self.whole[_ROWS] = (self.whole[_ROWS][0], self.whole[_ROWS][1] + footer[_ROWS][1])

    def close(self) -> None:
        """Write the footer of all; at least one file must have been appended."""
        self.whole[_GROUPS] = (_LIST, (_STRUCT, self.groups))
        footer = _struct(self.whole)
        with self.out:
            self.out.write(footer + len(footer).to_bytes(4, "little") + _MAGIC)


def _copy(data: BinaryIO, out: BinaryIO, size: int) -> None:
    while size > 0:
        block = data.read(min(size, 4 << 20))
        out.write(block)
        size -= len(block)


def _move(group: Struct, shift: int, ordinal: int) -> None:
    """Let a row group's places be ``shift`` bytes further on; ``ordinal`` is its number among all."""
    _shift(group, (_GROUP_PLACE,), shift)
    if _ORDINAL in group:
        group[_ORDINAL] = (group[_ORDINAL][0], ordinal)
    for chunk in group[_COLUMNS][1][1]:
        _shift(chunk, _CHUNK_PLACES, shift)
        _shift(chunk[_META][1], _META_PLACES, shift)


def _shift(struct: Struct, fields: tuple[int, ...], shift: int) -> None:
    for number in fields:
        kind, place = struct.get(number, (0, 0))
        if place:
            struct[number] = (kind, place + shift)


class _Decoder:
    """Reads the compact protocol."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def struct(self) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._byte():
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = (kind, kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind))
        return fields

    def _value(self, kind: int) -> Any:
        if kind == _STRUCT:
            return self.struct()
        if kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            return head & 15, [self._value(head & 15) for _ in range(count)]
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        return self._integer()

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _bytes(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def _integer(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)


def _struct(fields: Struct) -> bytes:
    written = bytearray()
    before = 0
    for number, (kind, value) in sorted(fields.items()):
        kind = (_TRUE if value else _FALSE) if kind in (_TRUE, _FALSE) else kind
        step = number - before
        written += bytes([step << 4 | kind]) if 0 < step < 16 else bytes([kind]) + _integer(number)
        if kind not in (_TRUE, _FALSE):
            written += _value(kind, value)
        before = number
    return bytes(written + b"\0")


def _value(kind: int, value: Any) -> bytes:
    if kind == _STRUCT:
        return value if isinstance(value, bytes) else _struct(value)
    if kind in (_LIST, _SET):
        inner, values = value
        head = bytes([len(values) << 4 | inner]) if len(values) < 15 else bytes([240 | inner]) + _varint(len(values))
        return head + b"".join(_value(inner, one) for one in values)
    if kind == _BINARY:
        return _varint(len(value)) + bytes(value)
    if kind == _DOUBLE:
        return bytes(value)
    if kind in (_TRUE, _FALSE, _BYTE):
        return bytes([value])
    return _integer(value)


def _integer(value: int) -> bytes:
    return _varint(value * 2 if value >= 0 else -value * 2 - 1)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])
