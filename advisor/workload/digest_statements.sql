-- One row a text of the server's own aggregates. Reads: raw_statement.
SELECT
    text,
    server_query_id,
    sum(calls) AS calls,
    sum(CAST(round(total_ms * 1000) AS BIGINT)) AS total_us,
    min(min_ms) AS min_ms,
    max(max_ms) AS max_ms,
    sum("rows") AS "rows",
    sum(blocks_read) AS blocks_read,
    sum(temp_blocks_written) AS temp_blocks_written,
    min(epoch_us(since)) AS since_us
FROM raw_statement
WHERE text IS NOT NULL AND calls > 0
GROUP BY text, server_query_id
ORDER BY text, server_query_id
