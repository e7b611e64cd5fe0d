"""The verbs. The composition root: the only part of the advisor that imports connectors and web."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from rich.console import Console

from advisor.cli.app import app
from advisor.errors import AdvisorError, without_secrets

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line. Exit status: 0 clean, 1 findings (``check`` only), 2 error.

    With ADVISOR_DEBUG set, an error shows its traceback.
    """
    try:
        app()
    except KeyboardInterrupt:
        _fail("interrupted.", 130)
    except Exception as error:
        if os.environ.get("ADVISOR_DEBUG"):
            raise
        _fail(_sentence(error), 2)


def _sentence(error: Exception) -> str:
    if isinstance(error, AdvisorError):
        return str(error)
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}."
    what = " ".join(str(error).split())[:300]
    return f"an error of its own ({type(error).__name__}: {what}); please report it, with what ADVISOR_DEBUG=1 shows."


def _fail(sentence: str, status: int) -> NoReturn:
    message = f"advisor: {without_secrets(sentence)}"
    Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)
    sys.exit(status)
