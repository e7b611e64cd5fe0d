"""Which PostgreSQL stands in for the target: the embedded one, or an installed one that is nearer to it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from connectors.postgres.embedded import VERSIONS

NAMED = "ADVISOR_POSTGRES_BIN"
"""Environment variable: the ``bin`` folder of an installation to use in any case."""
OLDEST = 13
_EMBEDDED_EXTENSIONS = frozenset({"plpgsql", "vector"})
# Extensions with types or operator classes that tables and indexes are made of; without the others nothing is missed.
_SHAPING = frozenset(
    [
        *("citext", "hstore", "ltree", "isn", "seg", "cube", "earthdistance", "intarray", "unaccent"),
        *("pg_trgm", "pg_bigm", "btree_gin", "btree_gist", "bloom", "rum"),
        *("postgis", "postgis_raster", "postgis_topology", "h3", "ip4r", "prefix", "semver", "periods"),
    ]
)
_EXTENSION = re.compile(
    r'^\s*CREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?("[^"]+"|[\w-]+)', re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ServerChoice:
    """A major version, and where its binaries are (``None``: the embedded ones); ``extensions`` are what it has."""

    version: int
    binaries: Path | None = None
    extensions: frozenset[str] = frozenset()


def choose_server(number: int, wanted: frozenset[str], installed: Iterable[ServerChoice]) -> ServerChoice:
    """Choose for a target of ``number`` (``server_version_num``; 0: unknown) with the extensions ``wanted``.

    An installed server of the target's own version has the same planner; otherwise one is taken only for extensions
    that the embedded server lacks and that tables or indexes may be made of.
    """
    wanted &= _SHAPING
    major = number // 10_000
    embedded = ServerChoice(nearest_version(number), None, _EMBEDDED_EXTENSIONS)

    def merit(server: ServerChoice) -> tuple[int, bool, int, bool]:
        return (
            len(wanted & server.extensions),
            server.version == major,
            -abs(server.version - (major or max(VERSIONS))),
            server.binaries is None,
        )

    better = [
        one
        for one in installed
        if one.version >= OLDEST and (one.version == major or (wanted & one.extensions) - embedded.extensions)
    ]
    return max([embedded, *better], key=merit)


def nearest_version(number: int) -> int:
    """The embedded version whose planner is nearer to a server of ``number`` (``server_version_num``; 0: unknown).

    PostgreSQL 17 changed what an index scan over an IN list costs (by half, in ``tests/benchmarks/fidelity.py``) and
    18 added skip scans: 16 stands for all before, 18 for both.

    >>> nearest_version(150_018), nearest_version(170_002), nearest_version(0)
    (16, 18, 18)
    """
    return 16 if 0 < number < 170_000 else 18


def installed_servers(root: Path = Path("/usr/lib/postgresql")) -> list[ServerChoice]:
    """The servers of Debian's and Ubuntu's packages; when the environment names one, it alone."""
    if named := os.environ.get(NAMED):
        return [found] if (found := _installed(Path(named))) else []
    return [found for path in sorted(root.glob("*/bin")) if (found := _installed(path))]


def extensions_of(script: str) -> frozenset[str]:
    """The extensions that a schema's script creates.

    >>> sorted(extensions_of('CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;CREATE TABLE t ();'))
    ['pg_trgm']
    """
    return frozenset(name.strip('"') for name in _EXTENSION.findall(script))


def _installed(binaries: Path) -> ServerChoice | None:
    if not all((binaries / name).exists() for name in ("postgres", "initdb")):
        return None
    major = next((int(part) for part in reversed(binaries.parts) if part.isdigit()), 0)
    shares = (
        Path(f"/usr/share/postgresql/{major}/extension"),
        binaries.parent / "share" / "postgresql" / "extension",
        binaries.parent / "share" / "extension",
    )
    names = {file.stem for share in shares if share.is_dir() for file in share.glob("*.control")}
    return ServerChoice(major, binaries, frozenset(names)) if major else None
