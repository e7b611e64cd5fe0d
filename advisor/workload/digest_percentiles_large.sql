-- Percentiles within 1 %, in memory that does not grow with the events: durations fall into buckets whose borders grow
-- by 1 %. Reads: event. (A sketch would be shorter, but its answer depends on the order of the rows.)
WITH bucket AS (
    SELECT fingerprint, CAST(floor(ln(greatest(duration_ms, 0.001)) / ln(1.01)) AS BIGINT) AS bucket, count(*) AS calls
    FROM event
    WHERE fingerprint IS NOT NULL AND duration_ms IS NOT NULL
    GROUP BY 1, 2
),
running AS (
    SELECT
        fingerprint,
        pow(1.01, bucket + 0.5) AS ms,
        sum(calls) OVER (PARTITION BY fingerprint ORDER BY bucket) AS reached,
        sum(calls) OVER (PARTITION BY fingerprint) AS calls
    FROM bucket
),
params AS (
    SELECT fingerprint, approx_count_distinct(params_digest) AS distinct_params
    FROM event
    WHERE fingerprint IS NOT NULL
    GROUP BY fingerprint
)
SELECT
    p.fingerprint,
    min(CASE WHEN r.reached >= 0.5 * r.calls THEN r.ms END) AS p50_ms,
    min(CASE WHEN r.reached >= 0.95 * r.calls THEN r.ms END) AS p95_ms,
    min(CASE WHEN r.reached >= 0.99 * r.calls THEN r.ms END) AS p99_ms,
    min(p.distinct_params) AS distinct_params
FROM params AS p
LEFT JOIN running AS r ON r.fingerprint = p.fingerprint
GROUP BY p.fingerprint
ORDER BY p.fingerprint
