"""``advisor script postgresql``: what psql runs where ``pg_dump`` is too old to write statistics (before 18).

Its output, appended to the dump, is what ``pg_dump --statistics`` of PostgreSQL 18 would write, without values of rows.
"""

from __future__ import annotations

from pathlib import Path

HOW = "advisor script postgresql | psql -XAtq DATABASE >> dump.sql"
"""For a reader: the script's output goes behind that of pg_dump --schema-only."""
SCRIPT = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
"""Two SELECTs for psql; whoever may read the tables sees all of their statistics."""
