"""PostgreSQL's logs, in every form in which they are found, as events.

One file here a format: a module with the attribute ``FORMAT``. :func:`read` finds the format by looking at the file,
cuts the file into pieces of whole records, lets DuckDB read each piece through the format's relation, and writes
``events.parquet``. No line becomes a Python object unless it is damaged.
"""

from __future__ import annotations

from connectors.postgres.logs.format import Format, Piece
from connectors.postgres.logs.reading import LogReading, by_looking, read

__all__ = ["Format", "LogReading", "Piece", "by_looking", "read"]
