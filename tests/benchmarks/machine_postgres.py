"""A throwaway server from the machine's own PostgreSQL (Debian's packages, with contrib and HypoPG), for benchmarks."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORT = 54_329


def binaries() -> Path:
    """The newest PostgreSQL below ``/usr/lib/postgresql``; exits with a hint where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise SystemExit("These benchmarks need PostgreSQL with HypoPG: apt-get install postgresql-15-hypopg")
    return found[-1].parent


@contextmanager
def server(keep: Path | None = None, **settings: str) -> Iterator[str]:
    """Run a server and yield the DSN of its superuser's database; ``keep``: a folder whose data stay for next time."""
    folder = keep or Path(tempfile.mkdtemp(prefix="advisor-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    data = folder / "data"
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    if not data.exists():
        _run(
            [
                *as_user,
                binaries() / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
            ]
        )
    options = {
        "listen_addresses": "''",
        "unix_socket_directories": str(folder),
        "port": str(PORT),
        "fsync": "off",
        **settings,
    }
    line = " ".join(f"-c {name}={value}" for name, value in options.items())
    _run([*as_user, binaries() / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", line, "start"])
    try:
        yield f"postgresql://postgres@/postgres?host={folder}&port={PORT}"
    finally:
        _run([*as_user, binaries() / "pg_ctl", "-D", data, "-m", "fast", "stop"])
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[object]) -> None:
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, cwd="/")
