-- Planner statistics as calls of PostgreSQL 18's pg_restore_*_stats. Reads catalogs only; no most common value and no
-- histogram is written, except the values that booleans and enums have by definition.
SELECT format(
  'SELECT pg_catalog.pg_restore_relation_stats(''schemaname'', %L, ''relname'', %L, ''relpages'', %L::integer, '
  '''reltuples'', %L::real, ''relallvisible'', %L::integer);',
  n.nspname, c.relname, c.relpages, c.reltuples, c.relallvisible)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'i', 'p') AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid;

SELECT format(
  'SELECT pg_catalog.pg_restore_attribute_stats(''schemaname'', %L, ''relname'', %L, ''attname'', %L, '
  '''inherited'', %L::boolean, ''null_frac'', %L::real, ''avg_width'', %L::integer, ''n_distinct'', %L::real%s%s);',
  s.schemaname, s.tablename, s.attname, s.inherited, s.null_frac, s.avg_width, s.n_distinct,
  CASE WHEN s.correlation IS NOT NULL THEN format(', ''correlation'', %L::real', s.correlation) END,
  CASE WHEN s.most_common_vals IS NOT NULL AND (t.typtype = 'e' OR t.oid = 'boolean'::regtype) THEN
    format(', ''most_common_vals'', %L, ''most_common_freqs'', %L::real[]', s.most_common_vals, s.most_common_freqs) END)
FROM pg_stats s
JOIN pg_namespace n ON n.nspname = s.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind <> 'i'
ORDER BY c.oid, a.attnum, s.inherited;
