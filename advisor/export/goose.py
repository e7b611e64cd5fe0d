"""goose migrations outside of a transaction, the result checked."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool, literal
from advisor.export._raw import LEFTOVER
from advisor.model.recommendation import MigrationStub

TOOL = Tool("goose", "goose")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """One file; goose sends statement by statement, so timeouts and the check fit in."""
    build, drop = list(_build(change)), [f"{change.drop};"]
    up, down = (build, drop) if change.adds else (drop, build)
    timeouts = [f"SET lock_timeout = {literal(options.wait_budget)};", "SET statement_timeout = 0;"]
    resets = ["RESET lock_timeout;", "RESET statement_timeout;"]
    ignored = "require-concurrent-index-creation, require-concurrent-index-deletion" if change.partitions else ""
    lines = [
        "-- +goose NO TRANSACTION",
        *([f"-- squawk-ignore-file {ignored}"] if ignored else []),
        *change.comment("--").splitlines(),
        "",
        "-- +goose Up",
        *timeouts,
        *up,
        *resets,
        "",
        "-- +goose Down",
        *timeouts,
        *down,
        *resets,
    ]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"{migration.stamp()}_{migration.slug}.sql", "\n".join(lines) + "\n"),),
        f"goose up\ngoose down  # undo\n{LEFTOVER}",
    )


def _build(change: IndexChange) -> Iterator[str]:
    for statement in (*change.build, change.verify):
        yield from _whole(statement) if ";" in statement else (f"{statement};",)


def _whole(statement: str) -> Iterator[str]:
    yield "-- +goose StatementBegin"
    yield f"{statement};"
    yield "-- +goose StatementEnd"
