"""The verbs. The composition root: the only part of the advisor that imports connectors and web."""

from __future__ import annotations

import sys

from rich.console import Console

from advisor.cli.app import app
from advisor.errors import AdvisorError, without_secrets

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line. Exit status: 0 clean, 1 findings (``check`` only), 2 error."""
    try:
        app()
    except AdvisorError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"advisor: {error}", markup=False)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("advisor: interrupted.", markup=False)
        sys.exit(130)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        message = without_secrets(f"advisor: {name}{error.strerror or error}.")
        Console(stderr=True, soft_wrap=True, highlight=False).print(message, markup=False)
        sys.exit(2)
