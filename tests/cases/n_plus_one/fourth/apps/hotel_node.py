"""Hotels on Node: Sequelize 6, MikroORM 6, postgres.js and pg with pools; everything declared, names quoted.

Needs Node and a folder with ``npm install sequelize pg pg-hstore postgres @mikro-orm/core@6.4.16
@mikro-orm/knex@6.4.16 @mikro-orm/postgresql@6.4.16`` named by NODE_FOLDER.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cases import DEFERRED, M2M, M2O, O2M, Case, burst

ROOMS, STAYS = burst("Rooms", "Hotels", O2M), burst("Stays", "Rooms", O2M)
GUESTS = burst("Guests", "Stays", M2O)
POSITIVE = [
    Case("sequelize_rooms", expected=(ROOMS,)),
    Case("sequelize_hotel", expected=(burst("Hotels", "Rooms", M2O),)),
    Case("sequelize_amenities", expected=(burst("Amenities", "Hotels", M2M),)),
    Case("sequelize_counted", expected=(ROOMS,)),
    Case("sequelize_inviters", expected=(burst("Guests", "Guests", M2O),)),
    Case("sequelize_by_pk", expected=(GUESTS,)),
    Case("sequelize_deep", expected=(ROOMS, STAYS)),
    Case("sequelize_reload", expected=(burst("Rooms", "Rooms", DEFERRED),)),
    Case("sequelize_save", expected=(burst("Jobs", pattern="row-by-row-write"),)),
    Case("sequelize_in_transaction", expected=(burst("Jobs", pattern="row-by-row-write"),)),
    Case("mikro_init", expected=(ROOMS,)),
    Case("mikro_reference", expected=(GUESTS,)),
    Case("mikro_load", expected=(burst("Hotels", "Rooms", M2O),)),
    Case("tagged_guests", expected=(GUESTS,)),
    Case("tagged_rooms", expected=(ROOMS, STAYS)),
    Case("tagged_at_once", expected=(ROOMS,)),
    Case("tagged_ids", expected=(burst("Hotels", pattern="parentless-loop"),)),
    Case("pg_stays", expected=(burst("Stays", "Guests", O2M),)),
    Case("pg_express", expected=(STAYS,)),
]
NEGATIVE = [
    Case("sequelize_include", row="already batched"),
    Case("sequelize_separate", row="already batched"),
    Case("sequelize_pages", row="pagination"),
    Case("sequelize_bulk", row="bulk write"),
    Case("sequelize_find_or_create", row="uniqueness check"),
    Case("mikro_populated", row="already batched"),
    Case("mikro_unit_of_work", row="bulk write"),
    Case("tagged_cursor", row="cursor FETCH"),
    Case("tagged_any", row="already batched"),
    Case("pg_worker", row="job worker"),
    Case("pg_poll", row="polling"),
    Case("pg_traffic", row="concurrent traffic"),
]
SETTINGS = {"log_destination": "jsonlog", "log_min_duration_statement": "0"}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    variables = {
        "PGHOST": parse_qs(parts.query)["host"][0],
        "PGUSER": parts.username or "postgres",
        "PGDATABASE": parts.path.lstrip("/"),
    }
    subprocess.run(["node", Path(__file__).with_suffix(".mjs"), prefix], env=os.environ | variables, check=True)
    yield from POSITIVE + NEGATIVE
