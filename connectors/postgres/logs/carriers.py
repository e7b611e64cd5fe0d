"""What container runtimes and services put before each line of a log: Kubernetes' CRI (``TIME stderr F …``),
``docker logs -t`` and ``kubectl logs --timestamps``, ``docker compose logs`` (``db-1  | …``), ``kubectl logs --prefix``
(``[pod/db-0/postgres] …``), ``aws logs tail`` (``TIME stream …``), Fly. What they carry may be any format, or another
carrier's lines. syslog and the JSON envelopes are formats of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

_ISO = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_DATED = rb"[<\[]?\s?\d{4}-\d\d-\d\d "
_OWN = rb"(?:" + _DATED + rb"|\[\d+\] |\t|\{\")"
"""What a log's line begins with by itself: a time, a process, the tab of a message's later line, an object."""

_AT = re.compile(rb"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)")
_LEVEL = rb"\b(?:LOG|ERROR|FATAL|WARNING|DETAIL|STATEMENT):  "
_CUT = b"\x1d"
_LINES = 400
"""Lines at a log's beginning that tell its carriers; most of them must have the carrier's head."""

_NESTED = 3
"""Carriers that may carry one another: ``docker compose logs -t``."""


@dataclass(frozen=True)
class Carrier:
    """``head`` matches what it puts before a line, ``first`` what tells it. ``part``: the heads of lines that go on in
    the next one, which CRI cuts at 16 KiB. ``mixed``: lines of several programs are mixed, told by their heads."""

    head: bytes
    first: bytes
    part: bytes = b""
    mixed: bool = False

    # A line feed before a head, rather than MULTILINE's ^, is looked for at the speed of memory.
    @cached_property
    def _heads(self) -> re.Pattern[bytes]:
        return re.compile(rb"\n" + self.head)

    @cached_property
    def _parts(self) -> re.Pattern[bytes]:
        return re.compile(rb"\n" + self.part + rb"([^\n]*)")

    @cached_property
    def _untimed(self) -> re.Pattern[bytes]:
        """The head of a message that tells no time by itself."""
        own = rb"(?!" + _DATED + rb")[^\t\n{][^\n]{0,400}?" + _LEVEL
        return re.compile(rb"\n(?>" + self.head + rb")(?=" + own + rb")")

    def carries(self, start: bytes) -> bool:
        """Whether most of the lines at a log's beginning have this carrier's head."""
        lines = b"".join(b"\n" + line for line in start.split(b"\n", _LINES)[:_LINES])
        found = len(self._heads.findall(lines))
        return 2 * found > lines.count(b"\n") and re.search(rb"\n" + self.first, lines) is not None

    def opened(self, data: bytes) -> bytes:
        """The lines without their heads; those of several programs one program after the other."""
        data = b"\n" + data.removesuffix(b"\n")
        if self.mixed and len(programs := sorted(set(self._heads.findall(data)))) > 1:
            others = re.findall(rb"\n(?!" + self.head + rb")[^\n]*", data)
            data = b"".join([*others, *(line for program in programs for line in _of(program, data))])
        if self.part:
            data = self._parts.sub(rb"\n\1" + _CUT, data)
        if self._untimed.search(data):
            data = self._untimed.sub(_time_of, data)
        return self._heads.sub(b"\n", data).replace(_CUT + b"\n", b"")[1:] + b"\n"

    def border(self, border: Callable[[bytes], int]) -> Callable[[bytes], int]:
        """``border``, or the end of the last whole line before it."""
        if not self.part:
            return border

        def whole(piece: bytes) -> int:
            end = border(piece)
            while end and self._parts.match(piece, start := piece.rfind(b"\n", 0, end - 1)):
                end = start + 1
            return end

        return whole


def _time_of(head: re.Match[bytes]) -> bytes:
    """The time in a carrier's head as a ``log_line_prefix`` would have it; nothing where there is none."""
    found = _AT.search(head[0])
    if found is None:
        return b"\n"
    day, time, part, zone = found.groups()
    return b"\n%s %s.%s %s " % (day, time, (part or b"")[:3].ljust(3, b"0"), b"UTC" if zone == b"Z" else zone)


def _of(program: bytes, data: bytes) -> list[bytes]:
    return re.findall(re.escape(program) + rb"[^\n]*", data)


_CRI = _ISO + rb" (?:stdout|stderr) "
_FLY = _ISO + rb" app\[\w+\] \w+ \[\w+\] ?(?:\w+ +\| )?"
_PROGRAM = rb"(?:\x1b\[\d+m)?(?:\[pod/[\w./-]+\] |[\w.-]+ +\| ?)(?:\x1b\[0m ?)?"
_SAYS = rb"(?:" + _OWN + rb"|[^\n]{0,400}?" + _LEVEL + rb")"

_CARRIERS = (
    Carrier(_CRI + rb"[FP] ", _CRI + rb"[FP] " + _SAYS, part=_CRI + rb"P "),
    Carrier(_PROGRAM, _PROGRAM + rb"(?:" + _ISO + rb" )?" + _SAYS, mixed=True),
    Carrier(_FLY, _FLY + _SAYS),
    Carrier(_ISO + rb" ", _ISO + rb" " + _OWN),
    Carrier(_ISO + rb" [\w.:/-]+ ", _ISO + rb" [\w.:/-]+ " + _OWN),
)


def carriers_of(start: bytes) -> tuple[Carrier, ...]:
    """The carriers of a log that begins with ``start``, the outermost first."""
    found: tuple[Carrier, ...] = ()
    for _ in range(_NESTED):
        carrier = next((one for one in _CARRIERS if one.carries(start)), None)
        if carrier is None:
            break
        found, start = (*found, carrier), carrier.opened(start)
    return found
