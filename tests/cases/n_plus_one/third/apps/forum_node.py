"""A forum on Node: Prisma 7, TypeORM, Drizzle and Kysely, GraphQL resolvers with DataLoader in part, pools of four.

Needs Node and a folder with ``npm install prisma @prisma/client @prisma/adapter-pg typeorm reflect-metadata
drizzle-orm kysely pg graphql dataloader`` named by NODE_FOLDER. Prisma's client is generated there from
``forum_node.prisma``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cases import M2M, M2O, O2M, Case, burst

POSITIVE = [
    Case("prisma_author", expected=(burst("Account", "Thread", M2O),)),
    Case("prisma_posts", expected=(burst("Post", "Thread", O2M),)),
    Case("prisma_posts_at_once", expected=(burst("Post", "Thread", O2M),)),
    Case("prisma_count", expected=(burst("Post", "Thread", O2M),)),
    Case("prisma_labels", expected=(burst("Label", "Thread", M2M),)),
    Case("prisma_in_transaction", expected=(burst("Post", "Thread", O2M), burst("Account", "Post", M2O))),
    Case("prisma_update_each", expected=(burst("Thread", pattern="row-by-row-write"),)),
    Case("typeorm_lazy", expected=(burst("Board", "Thread", M2O), burst("Post", "Thread", O2M))),
    Case("typeorm_last_post", expected=(burst("Post", "Thread", M2O),)),
    Case("typeorm_find_one_by", expected=(burst("Account", "Post", M2O),)),
    Case("typeorm_save_each", expected=(burst("Outbox", pattern="row-by-row-write"),)),
    Case("drizzle_reactions", expected=(burst("Reaction", "Post", O2M),)),
    Case("drizzle_answers", expected=(burst("Post", "Post", O2M),)),
    Case("kysely_handles", expected=(burst("Account", pattern="parentless-loop"),)),
    Case("graphql_thread_authors", expected=(burst("Account", "Thread", M2O),)),
    Case("graphql_half_loaded", expected=(burst("Reaction", "Post", O2M),)),
    Case("graphql_nested", expected=(burst("Thread", "Board", O2M), burst("Post", "Thread", O2M))),
    Case("busy_front_page", expected=(burst("Account", "Thread", M2O),)),
]
NEGATIVE = [
    Case("prisma_include", row="already batched"),
    Case("prisma_find_unique_in_one_tick", row="already batched"),
    Case("prisma_create_many", row="bulk write"),
    Case("prisma_cursor", row="pagination"),
    Case("typeorm_relations", row="already batched"),
    Case("drizzle_with", row="already batched"),
    Case("drizzle_pages", row="pagination"),
    Case("graphql_loaded", row="already batched"),
    Case("kysely_signup", expected=(burst("Account", pattern="row-by-row-write"),), row="uniqueness check"),
    Case("busy_profiles", row="concurrent traffic"),
    Case("kept_alive", row="concurrent traffic"),
    Case("relay", row="job worker"),
]
SETTINGS = {"log_destination": "jsonlog", "log_min_duration_statement": "0"}


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    variables = {
        "PGHOST": parse_qs(parts.query)["host"][0],
        "PGUSER": parts.username or "postgres",
        "PGDATABASE": parts.path.lstrip("/"),
    }
    folder, script = Path(os.environ["NODE_FOLDER"]), Path(__file__).with_suffix(".mjs")
    schema = folder / "forum_node" / "schema.prisma"
    schema.parent.mkdir(exist_ok=True)
    schema.write_text(script.with_suffix(".prisma").read_text(encoding="utf-8"), encoding="utf-8")
    # Generating a client needs no engine, but looks for one.
    no_engine = {"PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true"}
    subprocess.run(
        ["npx", "prisma", "generate", "--schema", schema], cwd=folder, env=os.environ | no_engine, check=True
    )
    subprocess.run(["node", script, prefix], env=os.environ | variables, check=True)
    yield from POSITIVE + NEGATIVE
