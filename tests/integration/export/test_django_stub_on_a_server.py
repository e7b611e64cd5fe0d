"""The Django stub on a real server, in a Django of its own: there, back, and loudly over an INVALID leftover."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from advisor import export
from advisor.model.catalog import Index, IndexColumn, TableName
from advisor.model.impact import MigrationImpact
from advisor.model.recommendation import AddIndex, Benefit, Method, Recommendation
from connectors.postgres.embedded import EmbeddedServer

ORDER = TableName("public", "shop_order")
PLAIN = Index(ORDER, (IndexColumn("customer_id"), IndexColumn("placed_at", descending=True)), name="ix_order_customer")
PARTIAL = replace(PLAIN, name="ix_order_open", predicate="note LIKE '100%' AND note <> '%s'")

INITIAL = """
from django.db import migrations, models

class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel("Order", [
            ("id", models.BigAutoField(primary_key=True)),
            ("customer_id", models.IntegerField()),
            ("placed_at", models.DateTimeField(null=True)),
            ("note", models.TextField(default="")),
        ]),
    ]
"""
RUN = """
import sys
import django
from django.conf import settings
from django.core.management import call_command
host, target = sys.argv[1:]
database = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": host}
settings.configure(
    DATABASES={"default": database},
    INSTALLED_APPS=["shop"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
call_command("migrate", "shop", *([target] if target else []), verbosity=0)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer() as running:
        yield running


class Project:
    def __init__(self, server: EmbeddedServer, folder: Path, index: Index) -> None:
        each = Recommendation(
            "id",
            "Index it",
            AddIndex(index),
            "",
            (ORDER,),
            "",
            "",
            "",
            Benefit(Method.PLANNER),
            MigrationImpact(""),
            (),
            (),
            (),
        )
        (stub,) = export.stubs([each], "django", at=datetime(2026, 11, 20, tzinfo=UTC))
        for path, text in [
            ("shop/__init__.py", ""),
            ("shop/migrations/__init__.py", ""),
            ("shop/migrations/0001_initial.py", INITIAL),
            *stub.files,
        ]:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        self._folder, self._host = folder, server.url.partition("host=")[2].partition("&")[0]

    def migrate(self, target: str = "") -> str:
        """Standard error; empty when all went well."""
        command = [sys.executable, "-c", RUN, self._host, target]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False)
        return done.stderr if done.returncode else ""


def is_valid(server: EmbeddedServer, name: str) -> bool | None:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(
            "SELECT indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname = %s", [name]
        ).fetchone()
    return row[0] if row else None


@pytest.fixture
def clean(server: EmbeddedServer) -> EmbeddedServer:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS shop_order, django_migrations CASCADE")
    return server


@pytest.mark.parametrize("index", [PLAIN, PARTIAL], ids=["in Django's words", "as SQL"])
def test_the_index_comes_and_goes(clean: EmbeddedServer, tmp_path: Path, index: Index) -> None:
    project = Project(clean, tmp_path, index)
    assert project.migrate() == ""
    assert is_valid(clean, index.name) is True
    assert project.migrate("0001") == ""
    assert is_valid(clean, index.name) is None


def test_an_invalid_leftover_fails_loudly(clean: EmbeddedServer, tmp_path: Path) -> None:
    project = Project(clean, tmp_path, PLAIN)
    assert project.migrate("0001") == ""
    with psycopg.connect(clean.url, autocommit=True) as connection:
        connection.execute("INSERT INTO shop_order (customer_id, note) VALUES (1, ''), (1, '')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {PLAIN.name} ON shop_order (customer_id)")
    assert "already exists" in project.migrate()
    with psycopg.connect(clean.url, autocommit=True) as connection:
        connection.execute(f"DROP INDEX CONCURRENTLY {PLAIN.name}")
    assert project.migrate() == ""
    assert is_valid(clean, PLAIN.name) is True
