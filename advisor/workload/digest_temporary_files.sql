-- What statements wrote to temporary files, by the log (log_temp_files). Reads: raw_temporary_file.
SELECT text, sum(bytes) AS bytes
FROM raw_temporary_file
WHERE text IS NOT NULL AND bytes > 0
GROUP BY text
ORDER BY text
