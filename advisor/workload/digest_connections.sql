-- Sessions that ended, by the log (log_disconnections). Reads: log_connections.
SELECT
    coalesce("user", '') AS "user",
    coalesce(database, '') AS database,
    count(*) AS ended,
    median(seconds) AS median_s
FROM log_connections
WHERE event = 'closed' AND seconds IS NOT NULL
GROUP BY ALL
ORDER BY "user", database
