"""One file a database: its ``PRODUCT`` and ``migration_impact(action, capture, workload, size_bytes)``."""
