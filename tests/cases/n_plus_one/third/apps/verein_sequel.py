"""Clubs, a schema each (search_path): Sequel 5 on pg (Ruby), literals in the text, German names, nothing declared.

Logged by ``log_statement = all`` with ``log_duration``. Needs Ruby with sequel and pg (Debian: ruby-sequel, ruby-pg).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cases import M2M, M2O, O2M, O2O, Case, burst

POSITIVE = [
    Case("mitgliederliste", expected=(burst("abteilung", "mitglied", M2O),)),
    Case("beitraege", expected=(burst("beitrag", "mitglied", O2M),)),
    Case("abteilungen", expected=(burst("mitglied", "abteilung", O2M),)),
    Case("leiter", expected=(burst("mitglied", "abteilung", M2O),)),
    Case("werber", expected=(burst("mitglied", "mitglied", M2O),)),
    Case("geworbene", expected=(burst("mitglied", "mitglied", O2M),)),
    Case("orte", expected=(burst("ort", "termin", M2O),)),
    Case("teilnehmer", expected=(burst("mitglied", "termin", M2M),)),
    Case("ausweise", expected=(burst("ausweis", "mitglied", O2O),)),
    Case("offene_summe", expected=(burst("beitrag", "mitglied", O2M),)),
    Case("kalender", expected=(burst("ort", "termin", M2O), burst("teilnahme", "termin", O2M))),
    Case("stufen", expected=(burst("mitglied", "abteilung", O2M), burst("beitrag", "mitglied", O2M))),
    Case("aus_der_datei", expected=(burst("ausweis", pattern="parentless-loop"),)),
    Case("mahnlauf", expected=(burst("mahnung", pattern="row-by-row-write"),)),
    Case("kontrolle", expected=(burst("beitrag", "mitglied", O2M),)),
]
NEGATIVE = [
    Case("eager", row="already batched"),
    Case("eager_graph", row="already batched"),
    Case("paged_each", row="pagination"),
    Case("multi_insert", row="bulk write"),
    Case("anmeldung", expected=(burst("ausweis", pattern="row-by-row-write"),), row="uniqueness check"),
    Case("schalter", row="concurrent traffic"),
    Case("warten", row="polling"),
    Case("postausgang", row="job worker"),
    Case("monatsweise", row="no key"),
]
SETTINGS = {
    "log_destination": "stderr",
    "log_line_prefix": "%t [%p]: [%l-1] app=%a,db=%d,user=%u ",
    "log_min_duration_statement": "-1",
    "log_statement": "all",
    "log_duration": "on",
}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, user = parse_qs(parts.query)["host"][0], parts.username or "postgres"
    script = Path(__file__).with_suffix(".rb")
    subprocess.run(["ruby", script, host, user, parts.path.lstrip("/"), prefix], check=True)
    yield from POSITIVE + NEGATIVE
