"""PostgreSQL 13 to 18.

Parts are imported where they are used: logs need no driver, a connection needs no log reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from advisor.model.capture import Capture, Coverage
from advisor.ports import CaptureRequest, CostEstimator, Progress, silent
from connectors.postgres.capabilities import catalog_coverage, for_role, read_facts
from connectors.postgres.catalog import read_catalog
from connectors.postgres.session import Session, open_session
from connectors.postgres.statements import read_statements
from connectors.postgres.statistics_file import SCRIPT
from connectors.postgres.url import SCHEMES

__all__ = ["PRODUCT", "SCHEMES", "SCRIPT", "PostgresConnector", "connect", "estimator", "owns_files", "read_files"]

PRODUCT = "postgresql"


class PostgresConnector:
    """A read-only connection to one PostgreSQL database (the port ``Connector``)."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.connection = session.connection

    async def coverage(self) -> tuple[Coverage, ...]:
        """What this role may see, what is missing, and the GRANT or setting that would show it."""
        facts = await read_facts(self.session)
        statements = await read_statements(self.session, facts.server.name)
        catalog = await read_catalog(self.session)
        return for_role((*facts.coverage(), statements.coverage(), *catalog_coverage(catalog)), facts.role)

    async def capture(self, request: CaptureRequest, progress: Progress = silent) -> Capture:
        """Take facts, catalog, statements, logs and plans into ``request.folder`` and return them saved."""
        from connectors.postgres.capture import take

        return await take(self.session, request, progress)

    async def close(self) -> None:
        """End the session."""
        await self.session.close()


async def connect(url: str) -> PostgresConnector:
    """Open a read-only session on the database that ``url`` names.

    Raises :class:`~advisor.errors.ConnectionFailed` and its subclasses, :class:`~advisor.errors.SourceError` for a URL
    that cannot be read.
    """
    return PostgresConnector(await open_session(url))


def estimator(
    capture: Capture, url: str | None, kind: str = "auto", sandbox_url: str | None = None, progress: Progress = silent
) -> CostEstimator:
    """Return the planner that prices this capture's indexes; see :func:`connectors.postgres.estimators.estimator`."""
    from connectors.postgres import estimators

    return estimators.estimator(capture, url, kind, sandbox_url, progress)


def read_files(request: CaptureRequest, schema: Path | None = None, progress: Progress = silent) -> Capture:
    """Read logs and plans; see :func:`connectors.postgres.files.read_files`."""
    from connectors.postgres import files

    return files.read_files(request, schema, progress)


def owns_files(paths: Sequence[Path], schema: Path | None = None) -> bool:
    """Whether files are PostgreSQL's: every log or plan that no other connector has claimed before."""
    return all(path.is_file() for path in paths)
