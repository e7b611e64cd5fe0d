-- The first operation of each question. Reads: read_now, of which the rows are numbered from anywhere.
INSERT INTO example BY NAME
SELECT $before + min(rowid) - (SELECT min(rowid) FROM read_now) AS position, question, any_value(operation) AS operation,
    any_value(ns) AS ns, bool_or(q) AS q, arg_min(asked, rowid) AS asked
FROM read_now
WHERE reason IS NULL
GROUP BY question
