"""Sequelize 6, Objection 3 and pg on Node: run from here, labelled here.

Needs Node and a folder with ``npm install sequelize objection knex pg`` named by NODE_FOLDER.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cases import M2M, M2O, O2M, Case, burst

POSITIVE = [
    Case("sequelize_to_one", expected=(burst("publishers", "books", M2O),)),
    Case("sequelize_to_many", expected=(burst("reviews", "books", O2M),)),
    Case("sequelize_many_to_many", expected=(burst("tags", "books", M2M),)),
    Case("sequelize_nested", expected=(burst("books", "authors", O2M), burst("reviews", "books", O2M))),
    Case("sequelize_parallel", expected=(burst("reviews", "books", O2M),)),
    Case("sequelize_count", expected=(burst("reviews", "books", O2M),)),
    Case("sequelize_create_each", expected=(burst("readings", pattern="row-by-row-write"),)),
    Case("objection_to_one", expected=(burst("publishers", "books", M2O),)),
    Case("objection_to_many", expected=(burst("reviews", "books", O2M),)),
    Case("objection_fetch_graph_each", expected=(burst("reviews", "books", O2M),)),
    Case("objection_find_by_id_loop", expected=(burst("books", pattern="parentless-loop"),)),
    Case("pg_to_one", expected=(burst("publishers", "books", M2O),)),
]
NEGATIVE = [
    Case("sequelize_include", row="already batched"),
    Case("sequelize_bulk_create", row="bulk write"),
    Case("sequelize_pages", row="pagination"),
    Case("objection_with_graph", row="already batched"),
    Case("pg_visitors", row="concurrent traffic"),
    Case("pg_worker", row="job worker"),
]


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    variables = {
        "PGHOST": parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0],
        "PGUSER": parts.username or "postgres",
        "PGDATABASE": parts.path.lstrip("/"),
    }
    script = Path(__file__).with_suffix(".mjs")
    subprocess.run(["node", str(script), prefix], env=os.environ | variables, check=True)
    yield from POSITIVE + NEGATIVE
