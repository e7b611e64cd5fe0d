"""The data-free planner: PostgreSQL's own planner over the target's schema and statistics, without its data."""

from connectors.postgres.shadow.extract import extract
from connectors.postgres.shadow.planner import ShadowPlanner
from connectors.postgres.shadow.schema_file import load_schema

__all__ = ["ShadowPlanner", "extract", "load_schema"]
