"""mongod's structured logs (4.4 and later) and the profiler's documents, as events.

:func:`read` lets DuckDB take the lines apart; Python sees one example of each distinct question, never single lines.
"""

from __future__ import annotations

from connectors.mongo.logs.looking import Kind, by_looking
from connectors.mongo.logs.reading import LogReading, read

__all__ = ["Kind", "LogReading", "by_looking", "read"]
