"""A forum: ActiveRecord 6.1 on pg. No foreign keys, polymorphic comments, a tree of replies, roles as names of columns.

Needs Ruby with activerecord and pg (Debian: ruby-activerecord, ruby-pg).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cases import M2M, M2O, O2M, Case, burst

POSITIVE = [
    Case("index", expected=(burst("users", "posts", M2O),)),
    Case("board_names", expected=(burst("boards", "posts", M2O),)),
    Case("hosts", expected=(burst("users", "events", M2O),)),
    Case("comments_of_posts", expected=(burst("comments", "posts", O2M),)),
    Case("commentables", expected=(burst("posts", "comments", M2O), burst("events", "comments", M2O))),
    Case("groups_of_users", expected=(burst("groups", "users", M2M),)),
    Case("members", expected=(burst("users", "groups", M2M),)),
    Case("likes_count", expected=(burst("likes", "posts", O2M),)),
    Case("liked", expected=(burst("likes", "posts", O2M),)),
    Case("first_like", expected=(burst("likes", "posts", O2M),)),
    Case("boards_posts_authors", expected=(burst("posts", "boards", O2M), burst("users", "posts", M2O))),
    Case("tree", expected=(burst("replies", "replies", O2M),)),
    Case("upwards", expected=(burst("replies", "replies", M2O),)),
    Case("plucked", expected=(burst("users", "posts", M2O),)),
    Case("in_batches", expected=(burst("users", "events", M2O),)),
    Case("views", expected=(burst("posts", pattern="row-by-row-write"),)),
]
NEGATIVE = [
    Case("includes", row="already batched"),
    Case("eager_load", row="already batched"),
    Case("find_each", row="pagination"),
    Case("update_all", row="batch job"),
    Case("insert_all", row="bulk write"),
    Case("sign_up", row="uniqueness check"),
    Case("show", row="concurrent traffic"),
]
"""``cached`` is a positive too (the query cache hides the repeats of equal values, not the boards themselves)."""
POSITIVE.append(Case("cached", expected=(burst("boards", "posts", M2O),)))


def record(url: str, prefix: str) -> Iterator[Case]:
    parts = urlsplit(url)
    host, user = parse_qs(parts.query)["host"][0], parts.username or "postgres"
    script = Path(__file__).with_suffix(".rb")
    subprocess.run(["ruby", str(script), host, user, parts.path.lstrip("/"), prefix], check=True)
    yield from POSITIVE + NEGATIVE
