-- Operations -> events. Reads: question, text_of. Writes: event (EVENT_COLUMNS, then what only MongoDB tells), excluded.
INSERT INTO excluded
SELECT 'commands that could not be understood', count(*) FROM question JOIN text_of USING (skeleton) WHERE text = '';

-- A cursor's batches are one operation: getMores are added to the find or aggregate that opened the cursor.
CREATE TEMP TABLE batch_of AS
SELECT source, cursor, sum(ms) AS ms, sum(keys) AS keys, sum(documents) AS documents, sum(returned) AS returned,
    sum(bytes) AS bytes, count(*) AS batches
FROM question
WHERE more AND cursor IS NOT NULL AND cursor <> '0'
GROUP BY source, cursor;

CREATE TEMP TABLE opener AS
SELECT source, cursor, min(position) AS position
FROM question
WHERE NOT more AND cursor IS NOT NULL AND cursor <> '0'
GROUP BY source, cursor;

INSERT INTO excluded
SELECT 'further batches of a cursor, added to the operation that opened it', count(*)
FROM question AS q JOIN opener AS o ON o.source = q.source AND o.cursor = q.cursor
WHERE q.more;

CREATE TEMP TABLE whole AS
SELECT
    q.* REPLACE (
        q.ms + coalesce(b.ms, 0) AS ms,
        q.keys + coalesce(b.keys, 0) AS keys,
        q.documents + coalesce(b.documents, 0) AS documents,
        q.returned + coalesce(b.returned, 0) AS returned,
        q.bytes + coalesce(b.bytes, 0) AS bytes
    ),
    q.ms AS first_ms,
    t.text,
    t.name
FROM question AS q
JOIN text_of AS t ON t.skeleton = q.skeleton AND t.text <> ''
LEFT JOIN opener AS o ON o.position = q.position
LEFT JOIN batch_of AS b ON b.source = o.source AND b.cursor = o.cursor
WHERE NOT q.more OR NOT EXISTS (FROM opener AS p WHERE p.source = q.source AND p.cursor = q.cursor);

-- The statements of one write command that ask the same are one event.
INSERT INTO excluded
SELECT 'further statements of one write command, added to its first', count(*) - count(DISTINCT (source, channel, batch, text))
FROM whole WHERE batch IS NOT NULL;

CREATE TEMP TABLE single AS
SELECT * EXCLUDE (batch), 1 AS statements FROM whole WHERE batch IS NULL
UNION ALL BY NAME
SELECT
    any_value(COLUMNS(w.* EXCLUDE (position, ms, first_ms, keys, documents, matched, deleted, text, batch, line, given, moment))),
    min(position) AS position, min(line) AS line, sum(ms) AS ms, sum(ms) AS first_ms, sum(keys) AS keys,
    sum(documents) AS documents, sum(matched) AS matched, sum(deleted) AS deleted, max(moment) AS moment,
    string_agg(given, chr(10) ORDER BY position) AS given,
    CASE WHEN count(*) > 1 THEN substr(text, 1, length(text) - 1) || ',"batch":true}' ELSE text END AS text,
    count(*) AS statements
FROM whole AS w
WHERE batch IS NOT NULL
GROUP BY source, channel, batch, text;

-- What both the log and the profiler tell is told once: within the time that both cover, the n-th operation of a question
-- and duration in one is the n-th in the other (both take them from one place in the server).
CREATE TEMP TABLE twice AS
WITH span AS (
    SELECT kind, split_part(ns, '.', 1) AS db, min(moment) AS first_at, max(moment) AS last_at FROM single GROUP BY ALL
),
both_ AS (
    SELECT l.db, greatest(l.first_at, p.first_at) - INTERVAL 5 MILLISECONDS AS first_at,
        least(l.last_at, p.last_at) + INTERVAL 5 MILLISECONDS AS last_at
    FROM span AS l JOIN span AS p ON l.db = p.db AND l.kind = 'log' AND p.kind = 'profile'
),
ranked AS (
    SELECT s.kind, s.position, s.text, s.ms,
        row_number() OVER (PARTITION BY s.kind, s.text, s.ms ORDER BY s.moment, s.position) AS nth
    FROM single AS s JOIN both_ AS b ON b.db = split_part(s.ns, '.', 1) AND s.moment BETWEEN b.first_at AND b.last_at
)
SELECT p.position
FROM ranked AS p
JOIN ranked AS l ON l.kind = 'log' AND p.kind = 'profile' AND l.text = p.text AND l.ms = p.ms AND l.nth = p.nth;

INSERT INTO excluded
SELECT 'profiler documents that the log tells too', count(*) FROM twice;

CREATE TEMP TABLE event AS
SELECT
    s.source,
    split_part(s.ns, '.', 1) AS database,
    nullif(s.user_name, '') AS "user",
    nullif(s.application, '') AS application,
    s.remote AS client,
    coalesce(s.lsid, s.channel) AS session,
    s.position AS line,
    coalesce(nullif(regexp_extract(s.comment, '(?:request_id|requestId|trace_id|traceId)\W+([\w-]{4,64})', 1), ''),
        s.transaction_id) AS unit,
    s.moment - to_microseconds(CAST(s.first_ms * 1000 AS BIGINT)) AS started_at,
    s.moment AS ended_at,
    CAST(s.ms AS DOUBLE) AS duration_ms,
    CASE
        WHEN s.name = 'insert' THEN s.inserted
        WHEN s.name = 'update' THEN s.matched
        WHEN s.name = 'delete' THEN s.deleted
        ELSE s.returned
    END AS "rows",
    CASE WHEN s.more THEN 'getMore' ELSE s.name END AS command,
    s.text,
    CASE WHEN trim(s.given, chr(10)) = '' THEN NULL ELSE md5('{key}' || s.given || s.page) END AS params_digest,
    CASE WHEN trim(s.given, chr(10)) = '' THEN NULL
        ELSE md5('{key}' || regexp_replace(s.given, '\{"\$(?:skip|limit)":[^}]*\}', '', 'g')) END AS params_distinct_key,
    map_from_entries(list_filter([
        {'k': 'route', 'v': nullif(regexp_extract(s.comment, 'route\W+(/[^,"''\s]*)', 1), '')},
        {'k': 'traceparent', 'v': nullif(regexp_extract(s.comment, '(\d\d-[0-9a-f]{32}-[0-9a-f]{16}-\d\d)', 1), '')},
        {'k': 'code_filepath', 'v': nullif(regexp_extract(s.comment, '\bcode\W+([^,"''\s:]+)', 1), '')},
        {'k': 'code_lineno', 'v': nullif(regexp_extract(s.comment, '\bcode\W+[^,"''\s:]+:(\d+)', 1), '')}
    ], lambda entry: entry.v IS NOT NULL)) AS tags,
    s.error AS error_code,
    coalesce(s.shape_hash, s.query_hash) AS server_query_id,
    s.ns AS namespace,
    s.plan_summary,
    s.keys AS keys_examined,
    s.documents AS docs_examined,
    s.returned AS returned,
    s.bytes AS response_bytes,
    coalesce(s.has_sort = 'true', false) AS has_sort_stage,
    coalesce(s.used_disk = 'true', false) AS used_disk,
    coalesce(s.replanned = 'true', false) AS replanned,
    s.statements,
    s.position
FROM single AS s
ANTI JOIN twice AS t ON t.position = s.position;
