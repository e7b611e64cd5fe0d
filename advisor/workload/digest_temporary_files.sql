-- What statements wrote to temporary files, by the log (log_temp_files). Reads: log_temporary_files.
SELECT text, sum(bytes) AS bytes
FROM log_temporary_files
WHERE text IS NOT NULL AND bytes > 0
GROUP BY text
ORDER BY text
