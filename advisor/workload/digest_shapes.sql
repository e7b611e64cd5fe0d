-- One row a shape. Reads: event. Times are summed as whole microseconds: a sum of floats depends on its order.
SELECT
    fingerprint,
    count(*) AS calls,
    count(duration_ms) AS timed,
    sum(CAST(round(duration_ms * 1000) AS BIGINT)) AS total_us,
    min(duration_ms) AS min_ms,
    max(duration_ms) AS max_ms,
    sum("rows") AS "rows",
    count(error_code) AS errors,
    min(epoch_us(started_at)) AS first_us,
    max(epoch_us(coalesce(ended_at, started_at))) AS last_us
FROM event
WHERE fingerprint IS NOT NULL
GROUP BY fingerprint
ORDER BY fingerprint
