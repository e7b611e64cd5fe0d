"""A shop on PostgreSQL under a SQLAlchemy application, with planted faults (expected.json) and look-alikes that are none."""
