-- Operations -> events: EVENT_COLUMNS, then what only MongoDB tells. In braces: a condition on the position of those that
-- are written now. Reads: operation, text_of, session_of, extra, gone.
SELECT
    o.source,
    split_part(o.ns, '.', 1) AS database,
    NULL::VARCHAR AS "user",
    nullif(o.application, '') AS application,
    o.remote AS client,
    coalesce(o.lsid, s.lsid, o.channel) AS session,
    o.position AS line,
    coalesce(
        CASE WHEN o.comment IS NOT NULL THEN nullif(regexp_extract(o.comment,
            '(?:request_id|requestId|trace_id|traceId)\W+([\w-]{4,64})', 1), '') END,
        coalesce(o.lsid, o.channel) || '/' || o.transaction_number
    ) AS unit,
    o.ended - to_milliseconds(o.ms + CASE WHEN e.statements > 1 THEN e.ms ELSE 0 END) AS started_at,
    CASE WHEN e.statements > 1 THEN e.ended ELSE o.ended END AS ended_at,
    CAST(o.ms + coalesce(e.ms, 0) AS DOUBLE) AS duration_ms,
    CASE t.name
        WHEN 'insert' THEN o.inserted
        WHEN 'update' THEN o.matched + coalesce(e.matched, 0)
        WHEN 'delete' THEN o.deleted + coalesce(e.deleted, 0)
        ELSE o.returned + coalesce(e.returned, 0)
    END AS "rows",
    CASE WHEN o.more THEN 'getMore' ELSE t.name END AS command,
    CASE WHEN e.statements > 1 THEN substr(t.text, 1, length(t.text) - 1) || ',"batch":true}' ELSE t.text END AS text,
    CASE WHEN t.name = 'insert' THEN NULL ELSE o.given END AS params_digest,
    CASE WHEN t.name = 'insert' THEN NULL ELSE coalesce(o.keyed, o.given) END AS params_distinct_key,
    CASE WHEN o.comment IS NULL THEN MAP {}::MAP(VARCHAR, VARCHAR) ELSE map_from_entries(list_filter([
        {'k': 'route', 'v': nullif(regexp_extract(o.comment, 'route\W+(/[^,"''\s]*)', 1), '')},
        {'k': 'traceparent', 'v': nullif(regexp_extract(o.comment, '(\d\d-[0-9a-f]{32}-[0-9a-f]{16}-\d\d)', 1), '')},
        {'k': 'code_filepath', 'v': nullif(regexp_extract(o.comment, '\bcode\W+([^,"''\s:]+)', 1), '')},
        {'k': 'code_lineno', 'v': nullif(regexp_extract(o.comment, '\bcode\W+[^,"''\s:]+:(\d+)', 1), '')}
    ], lambda entry: entry.v IS NOT NULL)) END AS tags,
    o.error AS error_code,
    o.query_hash AS server_query_id,
    o.ns AS namespace,
    o.plan_summary,
    o.keys + coalesce(e.keys, 0) AS keys_examined,
    o.documents + coalesce(e.documents, 0) AS docs_examined,
    o.returned + coalesce(e.returned, 0) AS returned,
    o.bytes + coalesce(e.bytes, 0) AS response_bytes,
    coalesce(o.has_sort = 'true', false) AS has_sort_stage,
    coalesce(o.used_disk = 'true', false) AS used_disk,
    o.keys_written AS keys_written,
    coalesce(e.statements, 1) AS statements,
    -- Whether more may match than was returned: a limit was reached, or the cursor was left open.
    CASE
        WHEN o.limit_asked > 0 THEN o.returned + coalesce(e.returned, 0) >= o.limit_asked
        WHEN o.cursor <> '0' AND coalesce(e.exhausted, o.exhausted, 'false') <> 'true' THEN true
    END AS limit_reached
FROM (FROM operation WHERE reason IS NULL AND {now}) AS o
JOIN text_of AS t ON t.question = o.question AND t.text <> ''
LEFT JOIN (FROM session_of WHERE {now}) AS s ON s.position = o.position
LEFT JOIN (FROM extra WHERE {now}) AS e ON e.position = o.position
ANTI JOIN (FROM gone WHERE {now}) AS g ON g.position = o.position
ORDER BY o.position
