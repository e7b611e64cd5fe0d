"""TypeORM migrations outside of a transaction, the result checked."""

from __future__ import annotations

import json
from collections.abc import Iterator

from advisor.export._change import ExportOptions, IndexChange, Migration, Tool
from advisor.export._raw import PGOPTIONS
from advisor.model.recommendation import MigrationStub

TOOL = Tool("typeorm", "TypeORM", "typescript")


def export(change: IndexChange, migration: Migration, options: ExportOptions) -> MigrationStub:
    """``src/migrations/<milliseconds>-<Name>.ts``; the number is part of the class's name too."""
    number = migration.milliseconds()
    name = f"{migration.camel}{number}"
    build, drop = list(_build(change)), [_query(change.drop)]
    up, down = (build, drop) if change.adds else (drop, build)
    lines = [
        *change.comment("//").splitlines(),
        'import { MigrationInterface, QueryRunner } from "typeorm";',
        "",
        f"export class {name} implements MigrationInterface {{",
        f'  name = "{name}";',
        "  transaction = false;",
        "",
        "  async up(queryRunner: QueryRunner): Promise<void> {",
        *(f"    {line}" for line in up),
        "  }",
        "",
        "  async down(queryRunner: QueryRunner): Promise<void> {",
        *(f"    {line}" for line in down),
        "  }",
        "}",
    ]
    return MigrationStub(
        TOOL.name,
        change.recommendation.id,
        ((f"src/migrations/{number}-{migration.camel}.ts", "\n".join(lines) + "\n"),),
        "npx typeorm migration:run -t each     # the default, one transaction for all, refuses it\n"
        "npx typeorm migration:revert -t none  # undo; revert looks past transaction = false\n"
        f"{PGOPTIONS.format(wait=options.wait_budget)}",
    )


def _query(statement: str) -> str:
    return f"await queryRunner.query({json.dumps(statement, ensure_ascii=False)});"


def _build(change: IndexChange) -> Iterator[str]:
    yield from map(_query, change.build)
    yield "const valid = " + _query(change.is_valid)
    yield f"if (valid.length === 0) throw new Error({json.dumps(change.invalid_message, ensure_ascii=False)});"
