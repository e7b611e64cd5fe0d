-- Exact percentiles and numbers of distinct parameter sets. Reads: event.
SELECT
    fingerprint,
    quantile_cont(duration_ms, 0.5) AS p50_ms,
    quantile_cont(duration_ms, 0.95) AS p95_ms,
    quantile_cont(duration_ms, 0.99) AS p99_ms,
    count(DISTINCT params_digest) AS distinct_params
FROM event
WHERE fingerprint IS NOT NULL
GROUP BY fingerprint
ORDER BY fingerprint
