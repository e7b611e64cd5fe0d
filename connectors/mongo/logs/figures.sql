-- What the server did for each text: one row a text and plan. Reads: event.
SELECT
    text,
    coalesce(plan_summary, '') AS plan_summary,
    has_sort_stage,
    used_disk,
    count(*) AS calls,
    sum(duration_ms) AS ms,
    sum(keys_examined) AS keys,
    sum(docs_examined) AS documents,
    sum(coalesce("rows", returned)) AS returned,
    max(docs_examined) AS most_documents,
    max(response_bytes) AS most_bytes,
    max(coalesce("rows", returned)) AS most_returned,
    CAST(max(keys_written // greatest(coalesce("rows", 1) // statements, 1)) AS BIGINT) AS most_keys_written,
    count(limit_reached) AS limited,
    count(*) FILTER (limit_reached) AS cut,
    min(server_query_id) AS server_query_id
FROM event
-- An insert reads nothing: only one of very many keys is of interest.
WHERE plan_summary IS NOT NULL OR docs_examined IS NOT NULL OR keys_written > 100 * greatest("rows", 1)
GROUP BY ALL
ORDER BY text, ms DESC, plan_summary, has_sort_stage, used_disk
