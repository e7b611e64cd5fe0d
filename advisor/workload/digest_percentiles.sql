-- Exact percentiles. Reads: event.
SELECT fingerprint, quantile_cont(duration_ms, [0.5, 0.95, 0.99]) AS percentiles
FROM event
WHERE fingerprint IS NOT NULL AND duration_ms IS NOT NULL
GROUP BY fingerprint
ORDER BY fingerprint
