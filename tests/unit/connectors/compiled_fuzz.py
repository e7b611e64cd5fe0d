"""Builds and runs a program that feeds a compiled reader damaged logs, under the sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.compiled import LIBRARY


def run(program: Path, reader: Path, folder: Path, logs: Sequence[Path], rounds: int) -> None:
    """Build ``program`` with the sources in ``reader``; an overrun or undefined behaviour ends it with an error."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler (Debian: gcc and libc6-dev)")
    folders = [LIBRARY.parent, reader]
    flags = ["-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags += [f"-I{place}" for place in (*folders, Path(__file__).parent)]
    sources = [program, *(source for place in folders for source in sorted(place.glob("*.c")))]
    built = folder / "fuzz"
    subprocess.run([compiler, *flags, "-o", built, *sources], check=True)
    subprocess.run([built, str(rounds), *logs], check=True, capture_output=True)
