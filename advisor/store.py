"""Saved targets, reports and decisions (SQLAlchemy; SQLite by default, PostgreSQL when several people share it).

No password is ever stored: a target keeps its URL without one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, String, create_engine, delete, event, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, defer, mapped_column

from advisor.errors import StoreError, without_secrets
from advisor.model.codec import decode, encode
from advisor.model.report import Report


@dataclass(frozen=True, slots=True)
class Target:
    """A database that was saved for scanning. ``url`` has no password."""

    id: int
    name: str
    url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored report's line in a list. ``ms_per_day``: what its recommendations would save."""

    id: int
    target: int | None
    name: str
    product: str
    created_at: datetime
    findings: int
    recommendations: int
    ms_per_day: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a recommendation: "accepted" or "dismissed", and why."""

    recommendation: str
    status: str
    reason: str
    decided_at: datetime


class _Base(DeclarativeBase):
    pass


class _Target(_Base):
    __tablename__ = "target"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(String(2000), unique=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class _Report(_Base):
    __tablename__ = "report"
    __table_args__ = (Index("ix_report_created_at", "created_at"), Index("ix_report_target_id", "target_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int | None] = mapped_column(ForeignKey("target.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(2000))
    product: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    findings: Mapped[int]
    recommendations: Mapped[int]
    ms_per_day: Mapped[float]
    document: Mapped[bytes] = mapped_column(LargeBinary)


class _Decision(_Base):
    __tablename__ = "decision"

    target: Mapped[str] = mapped_column(String(2000), primary_key=True)
    recommendation: Mapped[str] = mapped_column(String(200), primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(2000))
    decided_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


def without_password(url: str) -> str:
    """Take the password out of a URL, in the authority and in the query.

    >>> without_password("postgresql://app:s3cret@db:5432/shop?password=x&sslmode=require")
    'postgresql://app@db:5432/shop?sslmode=require'
    """
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(p for p in parts.query.split("&") if p.partition("=")[0].lower() not in {"password", "passfile"})
    return urlunsplit((parts.scheme, user.partition(":")[0] + at + host, parts.path, query, ""))


def default_url() -> str:
    """``sqlite:///…/advisor.db`` below the user's data folder (XDG_DATA_HOME)."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{home / 'query-advisor' / 'advisor.db'}"


class Store:
    """The store behind the web pages and the command line. Safe to use from several threads."""

    def __init__(self, url: str = "") -> None:
        self._engine = _engine(url or default_url())
        with self._errors():
            _Base.metadata.create_all(self._engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def add_target(self, name: str, url: str) -> Target:
        """Save a target, or return the one that has this URL already; the password is dropped."""
        bare = without_password(url)
        with self._session() as session:
            row = session.scalar(select(_Target).where(_Target.url == bare))
            if row is None:
                row = _Target(name=name or bare, url=bare, created_at=datetime.now(UTC))
                session.add(row)
                session.commit()
            return _target(row)

    def targets(self) -> list[Target]:
        """All targets by name."""
        with self._session() as session:
            return [_target(row) for row in session.scalars(select(_Target).order_by(_Target.name, _Target.id))]

    def remove_target(self, target: int) -> None:
        """Forget a target; its reports stay."""
        with self._session() as session:
            session.execute(delete(_Target).where(_Target.id == target))
            session.commit()

    def save(self, report: Report, target: int | None = None) -> int:
        """Keep a report and return its id."""
        row = _Report(
            target_id=target,
            name=report.server.name or report.server.database or report.server.product,
            product=report.server.product,
            created_at=report.captured_at or datetime.now(UTC),
            findings=len(report.findings),
            recommendations=len(report.recommendations),
            ms_per_day=sum(r.benefit.ms_saved_per_day or 0.0 for r in report.recommendations),
            document=json.dumps(encode(report), sort_keys=True).encode(),
        )
        with self._session() as session:
            session.add(row)
            session.commit()
            return row.id

    def reports(self) -> list[Saved]:
        """All reports, newest first, without their contents."""
        newest = select(_Report).options(defer(_Report.document)).order_by(_Report.created_at.desc(), _Report.id.desc())
        with self._session() as session:
            return [_saved(row) for row in session.scalars(newest)]

    def report(self, report: int) -> Report:
        """One report, whole. Raises :class:`StoreError` when there is none of that id."""
        with self._session() as session:
            row = session.get(_Report, report)
            if row is None:
                raise StoreError(f"There is no report {report}; the list of reports shows those that are.")
            return decode(Report, json.loads(row.document))

    def remove_report(self, report: int) -> None:
        """Delete a report."""
        with self._session() as session:
            session.execute(delete(_Report).where(_Report.id == report))
            session.commit()

    def decide(self, target: str, recommendation: str, status: str, reason: str = "") -> None:
        """Keep what was decided about a recommendation of the database named ``target``; it outlives reports."""
        with self._session() as session:
            session.merge(
                _Decision(
                    target=target,
                    recommendation=recommendation,
                    status=status,
                    reason=reason,
                    decided_at=datetime.now(UTC),
                )
            )
            session.commit()

    def decisions(self, target: str) -> dict[str, Decision]:
        """Decisions about one database, by recommendation id."""
        with self._session() as session:
            rows = session.scalars(select(_Decision).where(_Decision.target == target))
            return {
                row.recommendation: Decision(row.recommendation, row.status, row.reason, _aware(row.decided_at))
                for row in rows
            }

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with self._errors(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            place = without_secrets(self._engine.url.render_as_string(hide_password=True))
            raise StoreError(f"The store {place} could not be used; check --store and its permissions.") from error


def _engine(url: str) -> Engine:
    try:
        if url.startswith("sqlite:///"):
            path = Path(url.removeprefix("sqlite:///"))
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = create_engine(url)
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise StoreError(f"The store {without_secrets(url)} could not be opened; check --store.") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = ON"))
    return engine


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _target(row: _Target) -> Target:
    return Target(row.id, row.name, row.url, _aware(row.created_at))


def _saved(row: _Report) -> Saved:
    return Saved(
        row.id,
        row.target_id,
        row.name,
        row.product,
        _aware(row.created_at),
        row.findings,
        row.recommendations,
        row.ms_per_day,
    )
