"""The target's schema as SQL, as far as a planner looks at it: no owners, grants, triggers or comments.

Each query below makes the statements of one kind of object. Their order is the order of the script; what depends on
a later object is tried again by the loader.
"""

from __future__ import annotations

from typing import Any

from connectors.postgres.sql import MARK

# Of whose making the objects are: the system's and the extensions' come with the server.
MINE = r"n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def _not_of_extension(catalog: str, alias: str) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.classid = '{catalog}'::regclass "
        f"AND e.objid = {alias}.oid AND e.deptype = 'e')"
    )


_SCHEMAS = f"""
SELECT format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname) FROM pg_namespace n WHERE {MINE} ORDER BY n.nspname
"""

_EXTENSIONS = """
SELECT format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', x.extname, n.nspname)
FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql' ORDER BY x.oid
"""

_ENUMS = f"""
SELECT format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
    string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum v ON v.enumtypid = t.oid
WHERE {MINE} AND {_not_of_extension("pg_type", "t")} GROUP BY t.oid, n.nspname, t.typname ORDER BY t.oid
"""

_DOMAINS = f"""
SELECT format('CREATE DOMAIN %I.%I AS %s%s%s%s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod),
    CASE WHEN t.typcollation <> b.typcollation THEN format(' COLLATE %I.%I', cn.nspname, co.collname) END,
    CASE WHEN t.typnotnull THEN ' NOT NULL' END,
    (SELECT string_agg(format(' CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' ORDER BY k.conname)
     FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_collation co ON co.oid = t.typcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE t.typtype = 'd' AND {MINE} AND {_not_of_extension("pg_type", "t")} ORDER BY t.oid
"""

_COMPOSITES = f"""
SELECT format('CREATE TYPE %I.%I AS (%s)', n.nspname, c.relname,
    (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
     FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'c' AND {MINE} AND {_not_of_extension("pg_class", "c")} ORDER BY c.oid
"""

_RANGES = f"""
SELECT format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s)', n.nspname, t.typname, format_type(r.rngsubtype, NULL))
FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {MINE} AND {_not_of_extension("pg_type", "t")} ORDER BY t.oid
"""

# The embedded server has no ICU and few locales: what matters to the planner is whether it is C or not.
_COLLATIONS = f"""
SELECT format('CREATE COLLATION IF NOT EXISTS %I.%I (PROVIDER = libc, LOCALE = %L)', n.nspname, c.collname,
    CASE WHEN c.collcollate IN ('C', 'POSIX') THEN 'C' ELSE 'C.UTF-8' END)
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE {MINE} ORDER BY c.oid
"""

_SEQUENCES = f"""
SELECT format('CREATE SEQUENCE %I.%I', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND {MINE} AND NOT EXISTS (SELECT 1 FROM pg_depend e
    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype IN ('e', 'i')) ORDER BY c.oid
"""

_FUNCTIONS = f"""
SELECT pg_get_functiondef(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql') AND {MINE} AND {_not_of_extension("pg_proc", "p")}
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) ORDER BY p.oid
"""

# A foreign table stands as an ordinary one, so that statements over it can be planned at all.
_TABLES = f"""
SELECT format(E'CREATE TABLE %I.%I (\n    %s\n)%s%s', n.nspname, c.relname,
    (SELECT string_agg(concat(quote_ident(a.attname), ' ', format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %I.%I', cn.nspname, co.collname) END,
        CASE a.attgenerated WHEN 's' THEN format(' GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
            WHEN 'v' THEN format(' GENERATED ALWAYS AS (%s) VIRTUAL', pg_get_expr(d.adbin, d.adrelid)) END,
        CASE WHEN a.attnotnull THEN ' NOT NULL' END), E',\n    ' ORDER BY a.attnum)
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
     LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) END,
    (SELECT ' WITH (' || string_agg(o, ', ' ORDER BY o) || ')' FROM unnest(c.reloptions) o
     WHERE o ~ '^(fillfactor|parallel_workers)='))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {MINE} AND {_not_of_extension("pg_class", "c")}
ORDER BY c.oid
"""

# Apart from their tables, so that a default which the shadow cannot have costs no table. INSERT pays for them.
_DEFAULTS = f"""
SELECT format('ALTER TABLE ONLY %I.%I ALTER COLUMN %I ', n.nspname, c.relname, a.attname) ||
    CASE WHEN a.attidentity <> '' THEN 'ADD GENERATED BY DEFAULT AS IDENTITY'
        ELSE 'SET DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition AND a.attnum > 0
    AND NOT a.attisdropped AND a.attgenerated = '' AND (a.attidentity <> '' OR d.adbin IS NOT NULL) AND {MINE}
    AND {_not_of_extension("pg_class", "c")}
ORDER BY c.oid, a.attnum
"""

_INHERITANCE = f"""
SELECT format('ALTER TABLE %I.%I INHERIT %I.%I', n.nspname, c.relname, pn.nspname, p.relname)
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE c.relkind IN ('r', 'f') AND NOT c.relispartition AND {MINE} ORDER BY i.inhrelid, i.inhseqno
"""

_CONSTRAINTS = f"""
SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('p', 'u', 'x', 'c') AND {MINE} AND {_not_of_extension("pg_class", "c")}
ORDER BY k.conrelid, k.contype = 'c', k.oid
"""

_INDEXES = f"""
SELECT pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisvalid AND c.relkind IN ({{kinds}}) AND c.relpersistence <> 't' AND {MINE}
    AND {_not_of_extension("pg_class", "c")}
    AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY i.indrelid, i.indexrelid
"""

# Attached last: a partition's own indexes then find their parents by definition, and keep their names.
_PARTITIONS = f"""
SELECT format('ALTER TABLE ONLY %I.%I ATTACH PARTITION %I.%I %s', pn.nspname, p.relname, n.nspname, c.relname,
    pg_get_expr(c.relpartbound, c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_inherits i ON i.inhrelid = c.oid
JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f') AND {MINE} ORDER BY c.oid
"""

# Join selectivity rests on foreign keys. Their rows on partitions come from the partitioned table's.
_FOREIGN_KEYS = f"""
SELECT format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relkind IN ('r', 'p') AND {MINE} ORDER BY k.conrelid, k.oid
"""

_STATISTICS_OBJECTS = f"""
SELECT pg_get_statisticsobjdef(s.oid)
FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {MINE} ORDER BY s.oid
"""

_VIEWS = f"""
SELECT format('CREATE %sVIEW %I.%I AS%s%s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' END, n.nspname, c.relname,
    E'\n' || rtrim(pg_get_viewdef(c.oid), '; '), CASE c.relkind WHEN 'm' THEN E'\nWITH NO DATA' END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') AND {MINE} AND {_not_of_extension("pg_class", "c")} ORDER BY c.oid
"""

_PARTS = (
    _SCHEMAS,
    _EXTENSIONS,
    _COLLATIONS,
    _ENUMS,
    _DOMAINS,
    _COMPOSITES,
    _RANGES,
    _SEQUENCES,
    _FUNCTIONS,
    _TABLES,
    _INHERITANCE,
    _CONSTRAINTS,
    _INDEXES.format(kinds="'r', 'p', 'f'"),
    _PARTITIONS,
    _DEFAULTS,
    _FOREIGN_KEYS,
    _STATISTICS_OBJECTS,
    _VIEWS,
    _INDEXES.format(kinds="'m'"),
)

_FACTS = """
SELECT current_setting('server_version'), d.datcollate, to_jsonb(d) ->> 'datlocprovider'
FROM pg_database d WHERE d.datname = current_database()
"""


async def schema_script(connection: Any) -> str:
    """Return the schema as a script; its first lines tell the server's version and the database's collation."""
    version, collation, provider = await connection.fetchrow(marked(_FACTS))
    plain = collation in {"C", "POSIX"} and provider != "i"
    lines = [f"-- server version: {version}", f"-- database collation: {'C' if plain else 'locale'}", ""]
    lines.append("SET check_function_bodies = off;")
    for part in _PARTS:
        lines += [f"\n{row[0]};" for row in await connection.fetch(marked(part)) if row[0]]
    return "\n".join(lines) + "\n"


def marked(query: str) -> str:
    """Put our mark into a query, so that the target's log and pg_stat_statements can tell it apart."""
    return query.strip().replace("SELECT", f"SELECT /* {MARK} */", 1)
