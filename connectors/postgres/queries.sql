-- Every statement that is sent to an inspected database, but for those that depend on its version (statements.py) and
-- the EXPLAINs (explain.py). Read-only, set-based, system catalogs only. The mark of sql.py goes behind the first SELECT.
-- Arrays travel as text: the driver would otherwise look each array type up with statements of its own.

-- name: session
SELECT current_setting('server_version_num')::int AS version, current_setting('plan_cache_mode') AS plans,
       rolsuper AS superuser
FROM pg_roles WHERE rolname = current_user;

-- name: server
SELECT version() AS words,
       current_setting('server_version') AS version,
       current_database()::text AS database,
       current_user::text AS role,
       pg_is_in_recovery() AS replica,
       pg_postmaster_start_time() AS started_at,
       (SELECT count(*)::int FROM pg_stat_replication) AS replicas,
       d.datcollate::text AS collate,
       d.datctype::text AS ctype,
       pg_encoding_to_char(d.encoding)::text AS encoding,
       r.rolsuper AS superuser,
       pg_has_role(current_user, 'pg_monitor', 'USAGE') AS monitor,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS all_stats,
       (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()) AS stats_reset
FROM pg_database d, pg_roles r
WHERE d.datname = current_database() AND r.rolname = current_user;

-- name: settings
SELECT name, setting, unit, source, current_setting(name) AS shown
FROM pg_settings
WHERE name = ANY($1::text::text[]) OR (category LIKE 'Query Tuning%' AND vartype IN ('bool', 'real', 'integer', 'enum'));

-- name: extensions
SELECT e.extname::text AS name, e.extversion AS version, n.nspname::text AS schema
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
ORDER BY 1;

-- name: search_path
SELECT array_to_json(current_schemas(false))::text;

-- name: tables
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       c.reltuples::float8 AS rows, c.relpages AS pages, c.relpersistence::text AS persistence,
       c.relreplident::text AS replica_identity, array_to_json(c.reloptions)::text AS options, c.relispartition AS partition,
       CASE WHEN c.relispartition THEN
           (SELECT h.inhparent FROM pg_inherits h WHERE h.inhrelid = c.oid LIMIT 1)
       END AS parent,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       coalesce(has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'), false) AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname !~ '^pg_(toast|temp)'
  AND (cardinality($1::text::text[]) = 0 OR n.nspname = ANY($1::text::text[]))
  AND NOT EXISTS (
      SELECT 1 FROM pg_depend x
      WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')
ORDER BY n.nspname, c.relname;

-- name: columns
SELECT a.attrelid AS table_oid, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AS nullable, a.attgenerated <> '' AS generated,
       CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation THEN o.collname::text END AS collation,
       a.attnum AS position, CASE WHEN a.attidentity <> '' THEN 'GENERATED AS IDENTITY' END AS default
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation o ON o.oid = a.attcollation
WHERE a.attrelid = ANY($1::text::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum;

-- name: defaults
SELECT d.adrelid AS oid, d.adnum AS position, pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_attrdef d WHERE d.adrelid = ANY($1::text::oid[]);

-- name: statistics
SELECT s.schemaname::text AS schema, s.tablename::text AS table, s.attname::text AS name, s.inherited,
       s.null_frac::float8 AS null_frac, s.avg_width, s.n_distinct::float8 AS n_distinct,
       s.correlation::float8 AS correlation, s.most_common_freqs::text AS frequencies,
       CASE WHEN $2 THEN s.most_common_vals::text END AS values
FROM pg_stats s
WHERE s.schemaname NOT IN ('pg_catalog', 'information_schema')
  AND (cardinality($1::text::text[]) = 0 OR s.schemaname = ANY($1::text::text[]));

-- name: sizes
SELECT c.oid, m.bytes, CASE WHEN c.relkind = 'i' THEN m.bytes ELSE pg_table_size(c.oid) END AS table_bytes
FROM pg_class c CROSS JOIN LATERAL pg_relation_size(c.oid) AS m(bytes)
WHERE c.oid = ANY($1::text::oid[]) AND c.relkind IN ('r', 'm', 'i') AND m.bytes IS NOT NULL;

-- name: usage
SELECT s.relid AS oid, s.seq_scan, s.seq_tup_read, s.idx_scan, s.n_tup_ins, s.n_tup_upd, s.n_tup_del, s.n_tup_hot_upd,
       s.n_live_tup, s.n_mod_since_analyze, greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at
FROM pg_stat_all_tables s
WHERE s.relid = ANY($1::text::oid[]);

-- name: locked
SELECT DISTINCT l.relation AS oid
FROM pg_locks l
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid();

-- name: indexes
SELECT i.indexrelid AS oid, i.indrelid AS table_oid, c.relname::text AS name, m.amname::text AS method,
       i.indisunique AS unique, i.indisprimary AS primary, i.indisvalid AND i.indisready AS valid,
       i.indisreplident AS replica_identity, i.indisclustered AS clustered,
       i.indpred IS NOT NULL AS partial, CASE WHEN i.indrelid <> ALL($2::text::oid[]) THEN pg_get_indexdef(i.indexrelid) END AS definition,
       c.reltuples::float8 AS rows, c.relpages AS pages, array_to_json(c.reloptions)::text AS options, k.conname::text AS constraint,
       CASE WHEN c.relispartition THEN
           (SELECT p.relname::text FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent
            WHERE h.inhrelid = i.indexrelid LIMIT 1)
       END AS parent
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = ANY($1::text::oid[]) AND i.indislive
ORDER BY i.indrelid, c.relname;

-- name: index_keys
SELECT i.indexrelid AS index_oid, k.position <= i.indnkeyatts AS key, a.attname::text AS name,
       CASE WHEN k.attnum = 0 AND i.indrelid <> ALL($2::text::oid[])
            THEN pg_get_indexdef(i.indexrelid, k.position::int, true) END AS expression,
       coalesce(k.option, 0)::int AS option,
       CASE WHEN k.position <= i.indnkeyatts AND (NOT o.opcdefault OR x.attoptions IS NOT NULL) THEN
           CASE WHEN pg_opclass_is_visible(o.oid) THEN quote_ident(o.opcname)
                ELSE quote_ident(v.nspname) || '.' || quote_ident(o.opcname) END
           || coalesce((SELECT ' (' || string_agg(split_part(t, '=', 1) || '=' || quote_literal(substr(t, strpos(t, '=') + 1)), ', ')
                        || ')' FROM unnest(x.attoptions) t), '')
       END AS opclass,
       CASE WHEN k.attnum <> 0 AND k.sorting <> 0 AND k.sorting <> a.attcollation THEN
           CASE WHEN l.collnamespace = 'pg_catalog'::regnamespace THEN quote_ident(l.collname)
                ELSE quote_ident(w.nspname) || '.' || quote_ident(l.collname) END
       END AS collation
FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indoption::int2[], i.indclass::oid[], i.indcollation::oid[])
    WITH ORDINALITY AS k(attnum, option, opclass, sorting, position)
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
LEFT JOIN pg_attribute x ON x.attrelid = i.indexrelid AND x.attnum = k.position
LEFT JOIN pg_opclass o ON o.oid = k.opclass
LEFT JOIN pg_namespace v ON v.oid = o.opcnamespace
LEFT JOIN pg_collation l ON l.oid = k.sorting
LEFT JOIN pg_namespace w ON w.oid = l.collnamespace
WHERE i.indrelid = ANY($1::text::oid[]) AND i.indislive
ORDER BY i.indexrelid, k.position;

-- name: index_usage
SELECT s.indexrelid AS oid, s.idx_scan FROM pg_stat_all_indexes s WHERE s.relid = ANY($1::text::oid[]);

-- name: index_usage_16
SELECT s.indexrelid AS oid, s.idx_scan, s.last_idx_scan FROM pg_stat_all_indexes s WHERE s.relid = ANY($1::text::oid[]);

-- name: foreign_keys
SELECT k.conname::text AS name, k.conrelid AS table_oid, k.confrelid AS referenced_oid,
       k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update,
       (SELECT json_agg(a.attname ORDER BY u.position)::text
        FROM unnest(k.conkey) WITH ORDINALITY AS u(attnum, position)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS columns,
       (SELECT json_agg(a.attname ORDER BY u.position)::text
        FROM unnest(k.confkey) WITH ORDINALITY AS u(attnum, position)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum) AS referenced_columns
FROM pg_constraint k
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid = ANY($1::text::oid[])
ORDER BY k.conrelid, k.conname;

-- name: stats_reset
SELECT stats_reset FROM pg_stat_database WHERE datname = current_database();

-- name: views
SELECT c.oid, pg_get_viewdef(c.oid) AS definition
FROM pg_class c WHERE c.oid = ANY($1::text::oid[]) AND c.relkind IN ('v', 'm');

-- name: statements_view
SELECT n.nspname::text AS schema, json_agg(a.attname)::text AS columns
FROM pg_extension e
JOIN pg_namespace n ON n.oid = e.extnamespace
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'pg_stat_statements'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE e.extname = 'pg_stat_statements'
GROUP BY n.nspname;

-- name: statements_loaded
SELECT current_setting('pg_stat_statements.max', true) IS NOT NULL;

-- name: log_file
SELECT pg_current_logfile($1) AS file, current_setting('data_directory', true) AS data
WHERE inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr();

-- name: activity
SELECT pid, usename::text AS user, state, query, wait_event_type, query_start
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle';

-- name: hypopg
SELECT e.extversion AS version,
       EXISTS (SELECT 1 FROM pg_proc p WHERE p.proname = 'hypopg_hide_index') AS hides
FROM pg_extension e WHERE e.extname = 'hypopg';

-- name: hypopg_create
SELECT indexname FROM hypopg_create_index($1);

-- name: hypopg_reset
SELECT hypopg_reset();

-- name: hypopg_hide
SELECT hypopg_hide_index(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = $1;

-- name: hypopg_unhide
SELECT hypopg_unhide_all_indexes();

-- name: index_tree
SELECT c.relname::text AS name, pg_relation_size(c.oid) AS bytes
FROM pg_class c
WHERE c.oid = to_regclass($1) OR c.oid IN (SELECT p.relid FROM pg_partition_tree(to_regclass($1)) p);
