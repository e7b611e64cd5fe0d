"""Builds the compiled readers of logs (``connectors/compiled``) where there is a C compiler.

Without one the package is installed all the same, and SQL reads logs alone. ``python hatch_build.py`` builds in place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARY = Path("connectors", "compiled", "readers.so")
SOURCES = (LIBRARY.parent, Path("connectors", "postgres", "logs", "plain"), Path("connectors", "mongo", "logs", "slow"))
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared")


def compiled(root: Path, target: Path, *flags: str) -> str:
    """Compile the C sources below ``root`` into ``target``; what the compiler says when it cannot, or ``""``."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        return "there is no C compiler"
    folders = [root / folder for folder in SOURCES]
    sources = sorted(str(source) for folder in folders for source in folder.glob("*.c"))
    command = [*compiler.split(), *FLAGS, *flags, f"-I{root / LIBRARY.parent}", "-o", str(target), *sources]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{compiler}: {error.strerror}"
    return done.stderr.strip() or f"{compiler} failed" if done.returncode else ""


class ReaderBuildHook(BuildHookInterface[Any]):
    """What hatchling calls for each wheel, an editable one too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the library; the wheel is then one of this platform."""
        root = Path(self.root)
        problem = compiled(root, root / LIBRARY)
        if problem:
            self.app.display_warning(f"Logs are read without the compiled readers: {problem}")
            return
        build_data["artifacts"].append(LIBRARY.as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


if __name__ == "__main__":
    raise SystemExit(compiled(Path(__file__).parent, Path(__file__).parent / LIBRARY) or 0)
