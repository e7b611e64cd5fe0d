-- How often checkpoints came, by the log (log_checkpoints). Reads: log_checkpoints.
SELECT
    count(*) AS completed,
    median(step) AS every_s,
    sum(coalesce(buffers, 0))::BIGINT AS buffers,
    sum(coalesce(write_s, 0)) AS write_s
FROM (
    SELECT *, epoch(started - lag(started) OVER (ORDER BY started)) AS step
    FROM (
        SELECT *, "at" - to_microseconds(CAST(coalesce(total_s, 0) * 1000000 AS BIGINT)) AS started
        FROM log_checkpoints
        WHERE kind = 'checkpoint'
    )
)
HAVING count(*) >= 2
