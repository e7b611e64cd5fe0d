"""Which server stands in for the target."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.postgres.shadow.servers import ServerChoice, choose_server, installed_servers

BINARIES = Path("/opt/bin")
OLD = ServerChoice(15, BINARIES, frozenset({"plpgsql", "pg_trgm", "citext", "pg_stat_statements"}))
NEW = ServerChoice(18, BINARIES, frozenset({"plpgsql"}))


@pytest.mark.parametrize(
    ("number", "wanted", "installed", "version", "embedded"),
    [
        (180_004, set(), [], 18, True),
        (170_001, set(), [OLD], 18, True),
        (150_018, set(), [], 16, True),
        (130_010, set(), [NEW], 16, True),
        (150_018, set(), [OLD], 15, False),
        (180_004, {"pg_stat_statements", "plpgsql"}, [OLD], 18, True),
        (180_004, {"pg_trgm"}, [OLD], 15, False),
        (180_004, {"vector"}, [OLD, NEW], 18, True),
        (180_004, {"postgis"}, [OLD, NEW], 18, True),
        (0, set(), [OLD], 18, True),
    ],
)
def test_choice(number: int, wanted: set[str], installed: list[ServerChoice], version: int, embedded: bool) -> None:
    choice = choose_server(number, frozenset(wanted), installed)
    assert (choice.version, choice.binaries is None) == (version, embedded)


def test_installed_servers_are_found_with_their_extensions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADVISOR_POSTGRES_BIN", raising=False)
    for name in ("17/bin/postgres", "17/bin/initdb", "17/share/extension/citext.control", "16/bin/psql"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = installed_servers(tmp_path)
    assert [(one.version, one.binaries) for one in found] == [(17, tmp_path / "17" / "bin")]
    assert "citext" in found[0].extensions
    monkeypatch.setenv("ADVISOR_POSTGRES_BIN", str(tmp_path / "16" / "bin"))
    assert installed_servers(tmp_path) == []
