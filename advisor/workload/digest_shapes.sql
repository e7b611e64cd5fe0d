-- One row a shape. Reads: event. Times are summed as whole microseconds: a sum of floats depends on its order.
-- Distinct parameter sets are counted by a sketch of fixed size, exact up to a few dozens and within some 5 % above.
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
    max(epoch_us(coalesce(ended_at, started_at))) AS last_us,
    approx_count_distinct(params_digest) AS distinct_params
FROM event
WHERE fingerprint IS NOT NULL
GROUP BY fingerprint
ORDER BY fingerprint
