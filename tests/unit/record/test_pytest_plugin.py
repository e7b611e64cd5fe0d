"""The plugin, run in a process of its own on small suites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODELS = """
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
from sqlalchemy.pool import StaticPool
import pytest
from advisor.record import ignore

class Base(DeclarativeBase): pass

class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    bio: Mapped[str] = mapped_column(default="", deferred=True)
    books: Mapped[list["Book"]] = relationship(back_populates="author")

class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    author: Mapped[Author] = relationship(back_populates="books")

engine = create_engine("sqlite://", poolclass=StaticPool)
Base.metadata.create_all(engine)
with Session(engine) as s:
    s.add_all([Author(id=n) for n in range(1, 5)])
    s.add_all([Book(id=n, author_id=n % 4 + 1) for n in range(12)])
    s.commit()

def lazy(options=()):
    with Session(engine) as s:
        for author in s.scalars(select(Author).options(*options)):
            author.books
"""


def run(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(MODELS + tests, encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
            *options,
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> str:
    tests = """
@pytest.mark.no_n_plus_one
def test_lazy(): lazy()

@pytest.mark.no_n_plus_one
def test_eager(): lazy([selectinload(Author.books)])

@pytest.mark.no_n_plus_one
def test_ignored():
    with ignore(): lazy()

@pytest.mark.no_n_plus_one
def test_to_one():
    with Session(engine) as s:
        for book in s.scalars(select(Book)): book.author

@pytest.mark.no_n_plus_one
def test_columns():
    with Session(engine) as s:
        for author in s.scalars(select(Author)): author.bio

@pytest.mark.no_n_plus_one
def test_statement():
    with Session(engine) as s:
        for n in range(3): s.execute(select(Book.id).where(Book.author_id == n)).all()

@pytest.mark.no_n_plus_one
def test_two_lines_are_no_loop():
    with Session(engine) as s:
        s.execute(select(Book.id).where(Book.author_id == 1)).all()
        s.execute(select(Book.id).where(Book.author_id == 2)).all()

@pytest.mark.max_queries(3)
def test_budget(): lazy()

@pytest.mark.max_queries(9)
def test_within_budget(): lazy()

def test_fixture(queries):
    lazy()
    assert queries.count == 5
    (found,) = queries.n_plus_one()
    assert found.relation == "Author.books[]" and found.count == 4

def test_unmarked(): lazy()
"""
    return run(tmp_path_factory.mktemp("suite"), tests).stdout


@pytest.mark.parametrize("name", ["lazy", "to_one", "columns", "statement", "budget"])
def test_fails(outcome: str, name: str) -> None:
    assert f"::test_{name} - " in outcome


def test_says_which_line_and_which_option(outcome: str) -> None:
    assert ".options(selectinload(Author.books))" in outcome
    assert ".options(joinedload(Book.author))" in outcome
    assert "undefer()" in outcome
    assert "(lazy): lazy load, 4 times Author.books" in outcome
    assert "5 queries were sent, 3 are allowed" in outcome
    assert "5 failed, 6 passed" in outcome


def test_strict_mode_baseline_and_sarif(tmp_path: Path) -> None:
    tests = """
def test_lazy(): lazy()

@pytest.mark.allow_n_plus_one("looked at")
def test_allowed(): lazy()
"""
    assert "1 failed, 1 passed" in run(tmp_path, tests, "--n-plus-one").stdout
    options = ["--n-plus-one", "--n-plus-one-baseline", "known.json"]
    assert "2 passed" in run(tmp_path, tests, *options, "--n-plus-one-write-baseline").stdout
    known = json.loads((tmp_path / "known.json").read_text(encoding="utf-8"))
    assert known == [{"kind": "lazy load", "relation": "Author.books[]", "file": "test_suite.py", "function": "lazy"}]
    assert "2 passed" in run(tmp_path, "\n\n" + tests, *options, "--n-plus-one-sarif", "found.sarif").stdout
    found = json.loads((tmp_path / "found.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert [result["ruleId"] for result in found] == ["n-plus-one-burst"]


def test_a_baseline_without_a_file_is_an_error(tmp_path: Path) -> None:
    done = run(tmp_path, "", "--n-plus-one-write-baseline")
    assert done.returncode == 4
    assert "needs --n-plus-one-baseline" in done.stderr


def test_workers_hand_over_what_they_find(tmp_path: Path) -> None:
    tests = "\n".join(f"def test_lazy_{n}(): lazy()" for n in range(4))
    options = ["--n-plus-one", "--n-plus-one-baseline", "known.json"]
    assert "4 passed" in run(tmp_path, tests, *options, "--n-plus-one-write-baseline", "-n", "2").stdout
    known = json.loads((tmp_path / "known.json").read_text(encoding="utf-8"))
    assert [entry["relation"] for entry in known] == ["Author.books[]"]
    outcome = run(tmp_path, tests, *options, "--n-plus-one-sarif", "found.sarif", "-n", "2").stdout
    assert "4 passed" in outcome
    assert "no longer occur" not in outcome
    assert len(json.loads((tmp_path / "found.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]) == 1


def test_stale_entries_of_the_baseline_are_named(tmp_path: Path) -> None:
    gone = [{"kind": "lazy load", "relation": "Author.shops[]", "file": "app.py", "function": "shops"}]
    (tmp_path / "known.json").write_text(json.dumps(gone), encoding="utf-8")
    options = ["--n-plus-one", "--n-plus-one-baseline", "known.json"]
    told = run(tmp_path, "def test_nothing(): pass", *options).stdout
    assert "app.py (shops): lazy load Author.shops[]" in told


def test_wrong_use_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "known.json").write_text("{", encoding="utf-8")
    told = run(tmp_path, "", "--n-plus-one", "--n-plus-one-baseline", "known.json")
    assert "known.json is no baseline" in told.stderr
    assert "Traceback" not in told.stderr + told.stdout
    told = run(tmp_path, "@pytest.mark.max_queries\ndef test_budget(): lazy()")
    assert "write the most queries as a number" in told.stdout + told.stderr
