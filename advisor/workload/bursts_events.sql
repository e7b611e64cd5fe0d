-- Events in the order of their session, cut into chunks (a client's turn on a connection) and units of work.
-- Reads: event (EVENT_COLUMNS, fingerprint, elements, seq), burst_shape. Writes: burst_event. Times: microseconds.
CREATE OR REPLACE TEMP TABLE burst_event AS
WITH raw AS (
    SELECT
        e.seq,
        e.line,
        -- A pooler may hand one server session to several applications: they share nothing.
        hash(coalesce(e.session, e.unit, e.client, e.source), e.application) AS stream,
        coalesce(CASE WHEN cardinality(e.tags) > 0 THEN nullif(substr(e.tags['traceparent'], 4, 32), '') END,
                 -- A session's transactions are counted here anyway; 4/711 is a virtual transaction id, which each
                 -- statement has for itself outside BEGIN. Only a request's or trace's id is left.
                 CASE WHEN starts_with(e.unit, e.session) OR e.unit SIMILAR TO '[0-9]+(/[0-9]+)?' THEN NULL
                      ELSE e.unit END) AS trace,
        CASE WHEN cardinality(e.tags) > 0
             THEN coalesce(e.tags['route'], e.tags['http.route'],
                           e.tags['controller'] || coalesce('#' || e.tags['action'], '')) END AS route,
        hash(e.database, e."user", e.application, split_part(coalesce(e.client, ''), ':', 1)) AS pool,
        CASE
            WHEN upper(e.command) IN ('BEGIN', 'START', 'START TRANSACTION') THEN 'begin'
            WHEN upper(e.command) IN ('COMMIT', 'END', 'ABORT')
                OR (upper(e.command) = 'ROLLBACK' AND NOT regexp_matches(e.text, '\bTO\b', 'i')) THEN 'end'
            WHEN upper(e.command) IN ('DISCARD', 'DISCARD ALL') OR e.text ILIKE 'RESET ALL%'
                OR e.text LIKE 'SELECT pg_advisory_unlock_all()%' THEN 'reset'
            WHEN upper(e.command) IN ('FETCH', 'MOVE', 'CLOSE', 'GETMORE', 'CLOSE CURSOR') THEN 'fetch'
            WHEN s.writes THEN 'write'
            WHEN s.reads THEN 'read'
            ELSE 'other'
        END AS role,
        s.id AS shape,
        epoch_us(coalesce(e.started_at, e.ended_at)) AS started,
        epoch_us(coalesce(e.ended_at, e.started_at)) AS ended,
        coalesce(e.duration_ms, 0) * 1000 AS spent,
        e.rows,
        e.elements,
        hash(e.params_digest) AS params,
        hash(coalesce(e.params_distinct_key, e.params_digest)) AS keyed,
        coalesce(e.error_code LIKE '40%', false) AS conflict,
        -- The application's own clock (advisor.record, OpenTelemetry) has the round trip within the duration.
        coalesce(e.source LIKE 'recorder:%' OR e.source LIKE 'otlp:%', false) AS client_timed
    FROM event AS e
    LEFT JOIN burst_shape AS s ON s.fingerprint = e.fingerprint
),
ordered AS (
    SELECT
        *,
        row_number() OVER stream AS pos,
        lag(ended) OVER stream AS previous_ended,
        lag(role) OVER stream AS previous_role,
        lag(route) OVER stream AS previous_route,
        last_value(CASE WHEN role IN ('begin', 'end') THEN role END IGNORE NULLS)
            OVER (PARTITION BY stream ORDER BY line, seq ROWS UNBOUNDED PRECEDING) AS state
    FROM raw
    WINDOW stream AS (PARTITION BY stream ORDER BY line, seq)
),
pace AS (
    -- Half of the pauses are shorter than this; a pause ten times as long parts two requests (research page, 2.1 C).
    SELECT stream, greatest(250000, 10 * median(started - previous_ended)) AS pause
    FROM ordered
    WHERE started > previous_ended
    GROUP BY stream
),
cut AS (
    SELECT
        o.*,
        coalesce(o.state = 'begin', false) OR o.role = 'end' AS inside,
        o.previous_role IS NULL
            OR o.previous_role = 'reset'
            OR (o.route <> o.previous_route)
            OR (o.role = 'begin' OR coalesce(o.state, 'end') = 'end')
                AND o.role <> 'end'
                AND o.started - o.previous_ended > coalesce(p.pause, 250000) AS chunk_cut
    FROM ordered AS o
    LEFT JOIN pace AS p USING (stream)
),
numbered AS (
    SELECT
        *,
        sum(chunk_cut::INT) OVER stream AS chunk_no,
        sum((chunk_cut OR role = 'begin' OR previous_role = 'end')::INT) OVER stream AS unit_no,
        -- Without a session the previous event may be a parallel one.
        CASE WHEN chunk_cut THEN spent ELSE greatest(ended - previous_ended, 0) END AS gap
    FROM cut
    WINDOW stream AS (PARTITION BY stream ORDER BY line, seq)
)
SELECT
    seq, stream, pool, role, shape, pos, chunk_no, unit_no, started, ended, spent, gap, rows, elements, params, keyed,
    conflict, client_timed, inside, route,
    hash(stream, chunk_no) AS chunk,
    hash(stream, unit_no) AS unit,
    CASE WHEN inside THEN 1 ELSE 2 END::TINYINT AS kind
FROM numbered
WHERE trace IS NULL
UNION ALL
SELECT
    seq, stream, pool, role, shape,
    row_number() OVER (PARTITION BY trace ORDER BY started, stream, pos) AS pos,
    0 AS chunk_no, 0 AS unit_no, started, ended, spent, gap, rows, elements, params, keyed, conflict, client_timed, inside,
    route,
    hash('trace', trace) AS chunk,
    hash('trace', trace) AS unit,
    0::TINYINT AS kind
FROM numbered
WHERE trace IS NOT NULL;
