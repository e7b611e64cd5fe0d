"""Sample databases: a schema, a deterministic seed, an ORM application with planted faults, and what to expect."""
