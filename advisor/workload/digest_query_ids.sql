-- The server's query ids of each shape. Reads: event.
SELECT server_query_id, min(fingerprint) AS fingerprint
FROM event
WHERE server_query_id IS NOT NULL AND fingerprint IS NOT NULL
GROUP BY server_query_id
ORDER BY server_query_id
