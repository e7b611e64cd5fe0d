"""A shop on PostgreSQL under a SQLAlchemy application, with planted faults and look-alikes (expected.json)."""
