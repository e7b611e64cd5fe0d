"""Time zones as ``log_timezone`` prints them: abbreviations and numeric offsets, in minutes east of Greenwich."""

from __future__ import annotations

import re

# The abbreviations of PostgreSQL's default set (share/timezonesets/Default) that zones in use today print.
# Ambiguous ones (IST, BST, CST) are taken as PostgreSQL takes them.
_HOURS = {
    **dict.fromkeys(("UTC", "GMT", "WET", "Z", "UCT", "ZULU"), 0.0),
    **dict.fromkeys(("CET", "MET", "BST", "WEST", "WAT"), 1.0),
    **dict.fromkeys(("CEST", "MEST", "EET", "SAST", "CAT"), 2.0),
    **dict.fromkeys(("EEST", "MSK", "EAT", "TRT", "IDT"), 3.0),
    "IST": 2.0,
    **dict.fromkeys(("NZST",), 12.0),
    "NZDT": 13.0,
    **dict.fromkeys(("HKT", "SGT", "AWST", "PHT"), 8.0),
    **dict.fromkeys(("JST", "KST"), 9.0),
    "ACST": 9.5,
    "ACDT": 10.5,
    "AEST": 10.0,
    "AEDT": 11.0,
    "PKT": 5.0,
    "NPT": 5.75,
    "WIB": 7.0,
    "ICT": 7.0,
    "NST": -3.5,
    "NDT": -2.5,
    **dict.fromkeys(("BRT", "ART"), -3.0),
    "AST": -4.0,
    "ADT": -3.0,
    "EST": -5.0,
    "EDT": -4.0,
    "CST": -6.0,
    "CDT": -5.0,
    "MST": -7.0,
    "MDT": -6.0,
    "PST": -8.0,
    "PDT": -7.0,
    "AKST": -9.0,
    "AKDT": -8.0,
    "HST": -10.0,
}
_NUMERIC = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?$")


def minutes_east(zone: str) -> int | None:
    """Offset of ``zone`` from UTC in minutes; ``None`` when the abbreviation is unknown (read as UTC then).

    >>> minutes_east("CEST"), minutes_east("-0330"), minutes_east("+02"), minutes_east("XYZ")
    (120, -210, 120, None)
    """
    if not zone:
        return 0
    if zone.upper() in _HOURS:
        return int(_HOURS[zone.upper()] * 60)
    found = _NUMERIC.match(zone)
    if not found:
        return None
    size = int(found[2]) * 60 + int(found[3] or 0)
    return size if found[1] == "+" else -size
