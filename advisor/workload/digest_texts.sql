-- Every distinct text with its weight. Reads: raw_event.
SELECT text, count(*) AS calls
FROM raw_event
WHERE text IS NOT NULL
GROUP BY text
ORDER BY text
