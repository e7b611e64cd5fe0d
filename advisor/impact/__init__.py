"""One file a database: ``migration_impact(action, capture, workload, size_bytes)``."""
