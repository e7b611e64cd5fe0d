"""The digest's SQL on Apache Spark: the same files, through sqlglot's transpiler, for captures beyond one machine.

Spark reads every ``events.parquet`` at and below the capture's folder, so that a folder with one capture a server and
hour is one workload. It needs pyspark (the extra ``spark``) and Java 17.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlglot
from sqlglot import exp

from advisor.errors import SourceError
from advisor.model.capture import Capture
from advisor.workload._duckdb import ADVISOR, TextShape, sql_text

_HOW = "install it with: pip install 'query-advisor[spark]', and Java 17 (apt install openjdk-17-jre-headless)"


def location(folder: Path) -> str:
    """A folder, or an object store's address after a ``Path`` has eaten one of its slashes; Hadoop calls s3 s3a.

    >>> location(Path("s3://logs/captures")), location(Path("/data/captures"))
    ('s3a://logs/captures', '/data/captures')
    """
    scheme, colon, rest = str(folder).partition(":/")
    if not colon or "/" in scheme:
        return str(folder)
    return f"{'s3a' if scheme == 's3' else scheme}://{rest.lstrip('/')}"


def spark_sql(query: str) -> str:
    """A query in DuckDB's dialect as Spark's.

    sqlglot knows all of it but two functions: microseconds since 1970, and exact percentiles of a list.
    """

    def renamed(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.PercentileCont):
            return exp.func("percentile", node.this, node.expression)
        if isinstance(node, exp.Anonymous) and node.name.lower() == "epoch_us":
            return exp.func("unix_micros", *node.expressions)
        return node

    return sqlglot.parse_one(query, dialect="duckdb").transform(renamed).sql("spark", comments=False)


class Spark:
    """The engine of a cluster, or of this machine's cores when no cluster is configured (``SPARK_REMOTE``, …).

    Raises :class:`SourceError` when pyspark or Java is missing, or the events cannot be read.
    """

    def __init__(self, capture: Capture) -> None:
        try:
            builder: Any = import_module("pyspark.sql").SparkSession.builder
            refused: type[Exception] = import_module("pyspark.errors").PySparkException
        except ImportError as error:
            raise SourceError(f"The Spark engine needs pyspark; {_HOW}.") from error
        try:
            self.session: Any = (
                builder.appName(ADVISOR)
                .config("spark.sql.session.timeZone", "UTC")
                .config("spark.ui.enabled", "false")
                .config("spark.ui.showConsoleProgress", "false")
                .getOrCreate()
            )
        except Exception as error:  # Py4J and the JVM's start raise what they like
            raise SourceError(f"Spark did not start; {_HOW}.") from error
        try:
            found = (
                self.session.read.option("recursiveFileLookup", "true")
                .option("pathGlobFilter", "events.parquet")
                .parquet(location(capture.folder))
            )
            found.createOrReplaceTempView("stored_event")
            self.session.sql(
                f"SELECT * FROM stored_event WHERE coalesce(application, '') <> '{ADVISOR}'"
            ).createOrReplaceTempView("raw_event")
        except refused as error:
            self.session.stop()
            raise SourceError(f"Spark found no readable events.parquet below {capture.folder}.") from error

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of ``<name>.sql``."""
        for row in self.session.sql(spark_sql(sql_text(name))).collect():
            yield row.asDict()

    def declare_shapes(self, shaped: Sequence[TextShape]) -> None:
        """Make the view ``event``, by a join whose small side every worker gets whole."""
        known = self.session.createDataFrame(list(shaped), "text STRING, fingerprint STRING, elements INT").cache()
        known.createOrReplaceTempView("text_shape")
        self.session.sql(
            "SELECT /*+ BROADCAST(s) */ e.*, s.fingerprint, coalesce(s.elements, 0) AS elements"
            " FROM raw_event AS e LEFT JOIN text_shape AS s ON s.text = e.text"
        ).createOrReplaceTempView("event")

    def close(self) -> None:
        """Stop the session, when it is of this machine."""
        self.session.stop()
