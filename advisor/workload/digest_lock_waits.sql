-- Who waited for locks, by the log (log_lock_waits). Reads: log_lock_waits.
-- A wait of deadlock_timeout is logged when it has lasted so long, and again with its whole time when it is over; one
-- that was cancelled has the first line only.
SELECT
    coalesce(text, '') AS text,
    coalesce(regexp_extract(target, '^\w+'), '') AS target,
    greatest(count(*) FILTER (event = 'waiting'), count(*) FILTER (event = 'acquired')) AS waits,
    coalesce(sum(waited_ms) FILTER (event = 'acquired'), 0)
        + greatest(count(*) FILTER (event = 'waiting') - count(*) FILTER (event = 'acquired'), 0)
        * coalesce(avg(waited_ms) FILTER (event = 'waiting'), 0) AS waited_ms,
    coalesce(max(waited_ms), 0) AS longest_ms,
    count(*) FILTER (event = 'deadlock') AS deadlocks
FROM log_lock_waits
WHERE event <> 'other'
GROUP BY ALL
ORDER BY text, target
