-- OTLP JSON (protobuf's JSON mapping: hex ids, 64-bit numbers as strings, lowerCamelCase) -> rows of QueryEvents.
-- Semantic conventions: db.query.text, db.system.name, db.namespace, server.address, code.* and http.route are stable;
-- db.statement, db.system, db.name, net.peer.name and code.filepath are what older instrumentations send.
CREATE TEMP TABLE otlp_span AS
WITH batch AS (
    SELECT unnest(resourceSpans) AS resource_span
    FROM read_json([{files}], format = 'newline_delimited', maximum_object_size = {longest}, columns = {
        'resourceSpans': 'STRUCT(resource STRUCT(attributes STRUCT(key VARCHAR, value STRUCT(stringValue VARCHAR, intValue VARCHAR, doubleValue DOUBLE, boolValue BOOLEAN))[]), scopeSpans STRUCT(spans STRUCT(traceId VARCHAR, spanId VARCHAR, parentSpanId VARCHAR, name VARCHAR, kind VARCHAR, startTimeUnixNano VARCHAR, endTimeUnixNano VARCHAR, attributes STRUCT(key VARCHAR, value STRUCT(stringValue VARCHAR, intValue VARCHAR, doubleValue DOUBLE, boolValue BOOLEAN))[])[])[])[]'
    })
),
scope AS (
    SELECT resource_span.resource.attributes AS resource, unnest(resource_span.scopeSpans) AS scope_span FROM batch
),
span AS (
    SELECT resource, unnest(scope_span.spans) AS span FROM scope
)
SELECT
    span.traceId AS trace,
    span.spanId AS id,
    span.parentSpanId AS parent,
    try_cast(span.startTimeUnixNano AS BIGINT) AS started,
    try_cast(span.endTimeUnixNano AS BIGINT) AS ended,
    -- The first of a key counts; the specification forbids a second.
    map_from_entries(list_transform(
        list_filter(coalesce(span.attributes, []), lambda a, i:
            a.key IS NOT NULL AND list_position(list_transform(span.attributes, lambda b: b.key), a.key) = i),
        lambda a: {'k': a.key, 'v': coalesce(a.value.stringValue, a.value.intValue, a.value.doubleValue::VARCHAR)})) AS has,
    map_from_entries(list_transform(
        list_filter(coalesce(resource, []), lambda a, i:
            a.key IS NOT NULL AND list_position(list_transform(resource, lambda b: b.key), a.key) = i),
        lambda a: {'k': a.key, 'v': coalesce(a.value.stringValue, a.value.intValue)})) AS resource
FROM span;

-- The route stands on the server's span of the same trace.
CREATE TEMP TABLE otlp_route AS
SELECT trace, min(has['http.route']) AS route
FROM otlp_span
WHERE has['http.route'] IS NOT NULL
GROUP BY trace;

CREATE TEMP TABLE otlp_statement AS
WITH statement AS (
    SELECT *, trim(coalesce(has['db.query.text'], has['db.statement'])) AS raw_text
    FROM otlp_span
)
SELECT
    'otlp:' || coalesce(s.resource['service.name'], 'service') AS source,
    coalesce(s.has['db.namespace'], s.has['db.name']) AS database,
    s.has['db.user'] AS "user",
    s.resource['service.name'] AS application,
    coalesce(s.has['server.address'], s.has['net.peer.name']) AS client,
    NULL::VARCHAR AS session,
    row_number() OVER (PARTITION BY s.trace ORDER BY s.started, s.ended, s.id) AS line,
    'trace:' || s.trace AS unit,
    make_timestamp(s.started // 1000)::TIMESTAMPTZ AS started_at,
    make_timestamp(s.ended // 1000)::TIMESTAMPTZ AS ended_at,
    (s.ended - s.started) / 1e6 AS duration_ms,
    try_cast(s.has['db.response.returned_rows'] AS BIGINT) AS rows,
    upper(regexp_extract(s.raw_text, '^\W*(\w+)', 1)) AS command,
    -- Values stand in the text itself or, where the user asked for them, in db.query.parameter.*; else each is unknown,
    -- and the span stands for its own.
    md5('{salt}' || s.raw_text || coalesce(
        list_aggregate(list_transform(
            list_filter(map_entries(s.has), lambda e: starts_with(e.key, 'db.query.parameter.')), lambda e: e.value),
            'string_agg', ','),
        CASE WHEN regexp_matches(s.raw_text, '\$\d|\?|%s|%\(') THEN s.id ELSE '' END)) AS params_digest,
    NULL::VARCHAR AS params_distinct_key,
    map_from_entries(list_filter(
        [
            {'k': 'route', 'v': r.route},
            {'k': 'code_filepath', 'v': coalesce(s.has['code.file.path'], s.has['code.filepath'])},
            {'k': 'code_lineno', 'v': coalesce(s.has['code.line.number'], s.has['code.lineno'])},
            {'k': 'code_function', 'v': coalesce(s.has['code.function.name'], s.has['code.function'])}
        ],
        lambda e: e.v IS NOT NULL)) AS tags,
    coalesce(s.has['db.response.status_code'], CASE WHEN s.has['error.type'] IS NOT NULL THEN 'XX000' END) AS error_code,
    NULL::VARCHAR AS server_query_id,
    s.raw_text
FROM statement AS s
LEFT JOIN otlp_route AS r ON r.trace = s.trace
WHERE s.raw_text IS NOT NULL AND s.raw_text <> '' AND s.started IS NOT NULL AND s.ended >= s.started
  AND coalesce(s.has['db.system.name'], s.has['db.system'], 'postgresql') IN ('postgresql', 'other_sql');
