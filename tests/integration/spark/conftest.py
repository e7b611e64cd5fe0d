"""Spark is an optional extra with a runtime of its own: without pyspark and Java there is nothing here to collect."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

collect_ignore = [] if find_spec("pyspark") and shutil.which("java") else ["test_both_engines_agree.py"]
# A few hundred rows need no two hundred partitions.
os.environ.setdefault("PYSPARK_SUBMIT_ARGS", "--conf spark.sql.shuffle.partitions=2 pyspark-shell")
