"""Tools whose files hold bare SQL statements, one a file: what is common to them."""

from __future__ import annotations

LEFTOVER = "After a failure: DROP INDEX CONCURRENTLY the INVALID index, then run again."
ONE_JOB = (
    "Run it from one job, not from every replica at start: this tool waits behind a blocking advisory lock, which "
    "deadlocks with a concurrent build (https://github.com/golang-migrate/migrate/issues/960)."
)
PGOPTIONS = (
    "One statement has no room for SET: give the waits their time with "
    "PGOPTIONS='-c lock_timeout={wait} -c statement_timeout=0' before the command."
)


def ignoring(rules: str) -> str:
    """squawk's comment: what the tool itself provides, or cannot say."""
    return f"-- squawk-ignore-file {rules}\n"


TIMEOUTS = ignoring("require-lock-timeout, require-statement-timeout")


def joined(statements: tuple[str, ...]) -> str:
    """Statements with their semicolons, one a line."""
    return "".join(f"{statement};\n" for statement in statements)


def opposite(slug: str) -> str:
    """``drop_x`` for ``add_x`` and the reverse."""
    verb, _, rest = slug.partition("_")
    return {"add": "drop", "drop": "add"}.get(verb, "undo_" + verb) + "_" + rest
