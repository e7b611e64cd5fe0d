"""The wheel holds what the program reads at run time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = {".sql", ".j2", ".html", ".css", ".js", ".svg", ".typed", ".json"}


def test_wheel_is_complete(tmp_path: Path) -> None:
    options = ["-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    command = [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    needed = {
        name
        for name in tracked
        if name.split("/")[0] in {"advisor", "connectors", "web"} and Path(name).suffix in {".py", *DATA}
    }
    assert needed <= packed
    assert {name.split("/")[0] for name in packed if "dist-info" not in name} == {
        "advisor",
        "connectors",
        "web",
        "sample_dbs",
    }
