-- The time series. Reads: event.
SELECT
    epoch_us(date_trunc('minute', started_at)) AS minute_us,
    count(*) AS calls,
    sum(CAST(round(duration_ms * 1000) AS BIGINT)) AS total_us
FROM event
WHERE fingerprint IS NOT NULL AND started_at IS NOT NULL
GROUP BY 1
ORDER BY 1
