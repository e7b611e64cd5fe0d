-- What the search asks of an event, as numbers: strings are looked at once a row, here. Times: microseconds.
-- Reads: event (EVENT_COLUMNS, fingerprint, elements, seq), burst_shape. Writes: burst_raw.
CREATE OR REPLACE TEMP TABLE burst_raw AS
SELECT
    e.seq,
    e.line,
    -- A pooler may hand one server session to several applications: they share nothing.
    hash(coalesce(e.session, e.unit, e.client, e.source), e.application, getvariable('first_seq')) AS stream,
    -- What the connections of one application's clients have in common, be it over several databases.
    hash(e."user", e.application, split_part(coalesce(e.client, ''), ':', 1)) AS pool,
    coalesce(CASE WHEN cardinality(e.tags) > 0 THEN nullif(substr(e.tags['traceparent'], 4, 32), '') END,
             -- A session's transactions are counted here anyway; 4/711 is a virtual transaction id, which each
             -- statement has for itself outside BEGIN. Only a request's or trace's id is left.
             CASE WHEN e.unit IS NULL OR starts_with(e.unit, e.session) THEN NULL
                  WHEN regexp_full_match(e.unit, '[0-9]+(/[0-9]+)?') THEN NULL
                  ELSE e.unit END) AS trace,
    -- MongoDB has no statement that begins a transaction; each one in it says its number.
    CASE WHEN s.document AND starts_with(e.unit, e.session) THEN hash(e.unit) END AS numbered,
    CASE WHEN cardinality(e.tags) > 0
         THEN coalesce(e.tags['route'], e.tags['http.route'],
                       e.tags['controller'] || coalesce('#' || e.tags['action'], '')) END AS route,
    CASE WHEN route IS NOT NULL THEN hash(route) END AS route_key,
    CASE
        WHEN upper(e.command) IN ('FETCH', 'MOVE', 'CLOSE', 'GETMORE', 'CLOSE CURSOR') THEN 'fetch'
        WHEN s.writes THEN 'write'
        WHEN s.reads THEN 'read'
        WHEN upper(e.command) IN ('BEGIN', 'START', 'START TRANSACTION') THEN 'begin'
        WHEN upper(e.command) IN ('COMMIT', 'END', 'ABORT')
            OR (upper(e.command) = 'ROLLBACK' AND NOT regexp_matches(e.text, '\bTO\b', 'i')) THEN 'end'
        WHEN upper(e.command) IN ('DISCARD', 'DISCARD ALL') OR e.text ILIKE 'RESET ALL%'
            OR e.text LIKE 'SELECT pg_advisory_unlock_all()%' THEN 'reset'
        ELSE 'other'
    END AS role,
    s.id AS shape,
    epoch_us(coalesce(e.started_at, e.ended_at)) AS started,
    epoch_us(coalesce(e.ended_at, e.started_at)) AS ended,
    coalesce(e.duration_ms, 0) * 1000 AS spent,
    e.rows,
    e.elements,
    hash(e.params_digest) AS params,
    -- Asked of pages only.
    CASE WHEN s.pages_by_offset THEN hash(coalesce(e.params_distinct_key, e.params_digest)) END AS keyed,
    coalesce(e.error_code LIKE '40%', false) AS conflict,
    -- The application's own clock (advisor.record, OpenTelemetry) has the round trip within the duration.
    coalesce(e.source LIKE 'recorder:%' OR e.source LIKE 'otlp:%', false) AS client_timed
FROM event AS e
LEFT JOIN burst_shape AS s ON s.fingerprint = e.fingerprint
WHERE e.seq >= getvariable('first_seq') AND e.seq < getvariable('next_seq');
