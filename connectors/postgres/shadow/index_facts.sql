-- What the size of an index depends on: one row an index column, leaves of partitioned indexes only.
SELECT i.indexrelid AS oid, x.relname AS name, i.indrelid AS table_oid, m.amname AS method, i.indnkeyatts AS key_count,
    i.indisunique AS is_unique, i.indpred IS NOT NULL AS is_partial, x.relpages AS pages,
    pg_relation_filepath(i.indexrelid) AS path, greatest(t.reltuples, 0) AS rows, t.relpages AS heap_pages,
    (SELECT option_value::int FROM pg_options_to_table(x.reloptions)
     WHERE option_name = 'pages_per_range') AS pages_per_range,
    a.attnum, a.attlen AS length, a.attalign::text AS alignment, i.indkey[a.attnum - 1] AS heap_column,
    s.stanullfrac AS nulls, s.stawidth AS width, s.stadistinct AS distinct_values,
    CASE 1 WHEN s.stakind1 THEN s.stanumbers1 WHEN s.stakind2 THEN s.stanumbers2 WHEN s.stakind3 THEN s.stanumbers3
        WHEN s.stakind4 THEN s.stanumbers4 WHEN s.stakind5 THEN s.stanumbers5 END AS frequencies,
    CASE 5 WHEN s.stakind1 THEN s.stanumbers1 WHEN s.stakind2 THEN s.stanumbers2 WHEN s.stakind3 THEN s.stanumbers3
        WHEN s.stakind4 THEN s.stanumbers4 WHEN s.stakind5 THEN s.stanumbers5 END AS element_counts,
    a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'bytea'::regtype) AS is_text
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_am m ON m.oid = x.relam
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indexrelid
LEFT JOIN pg_statistic s ON NOT s.stainherit
    AND s.starelid = CASE i.indkey[a.attnum - 1] WHEN 0 THEN i.indexrelid ELSE i.indrelid END
    AND s.staattnum = CASE i.indkey[a.attnum - 1] WHEN 0 THEN a.attnum ELSE i.indkey[a.attnum - 1] END
WHERE x.relkind = 'i' AND i.indexrelid >= 16384 AND ($1::oid[] IS NULL OR i.indexrelid = ANY ($1))
ORDER BY i.indexrelid, a.attnum
