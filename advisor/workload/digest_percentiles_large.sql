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
)
SELECT
    fingerprint,
    [
        min(CASE WHEN reached >= 0.5 * calls THEN ms END),
        min(CASE WHEN reached >= 0.95 * calls THEN ms END),
        min(CASE WHEN reached >= 0.99 * calls THEN ms END)
    ] AS percentiles
FROM running
GROUP BY fingerprint
ORDER BY fingerprint
