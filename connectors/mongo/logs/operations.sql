-- Writes and cursors, of which several lines are one operation. Reads: operation. Writes: extra, gone, excluded.
INSERT INTO excluded SELECT reason, count(*) FROM operation WHERE reason IS NOT NULL GROUP BY reason;

-- The statements of one write command: their locks and flow-control tickets are counted on from statement to statement (a
-- yield takes each once more). The session stands in the command's own line, which follows them in a log; the profiler
-- leaves it out, and the client's operation before tells it.
CREATE TEMP TABLE write_statement AS
WITH write AS (
    SELECT position, kind, channel, lsid, locked, coalesce(yields, 0) AS yields, tickets, kind_of, t.text,
        reason IS NULL AND q AS inner_
    FROM operation LEFT JOIN text_of AS t USING (question)
    WHERE (reason IS NULL AND q) OR (kind = 'log' AND envelope)
),
stepped AS (
    SELECT
        *,
        coalesce(lag(inner_) OVER channel AND lag(kind_of) OVER channel = kind_of
            AND lag(locked) OVER channel < locked - yields
            -- A standalone takes no flow-control tickets.
            AND coalesce(lag(tickets) OVER channel < tickets - yields, true), false) AS follows,
        first_value(lsid IGNORE NULLS) OVER (
            PARTITION BY channel ORDER BY position ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_lsid
    FROM write
    WINDOW channel AS (PARTITION BY channel ORDER BY position)
)
SELECT position, channel, kind, next_lsid, inner_, text,
    sum((NOT follows)::INT) OVER (PARTITION BY channel ORDER BY position) AS batch
FROM stepped;

CREATE TEMP TABLE session_of AS
SELECT w.position, coalesce(CASE WHEN w.kind = 'log' THEN w.next_lsid END, t.lsid) AS lsid
FROM write_statement AS w
ASOF LEFT JOIN (
    SELECT channel, position, lsid FROM operation
    WHERE lsid IS NOT NULL AND channel IN (SELECT channel FROM write_statement)
) AS t ON t.channel = w.channel AND t.position < w.position
WHERE w.inner_;

-- The statements of one write command that ask the same are one event, the first of them.
CREATE TEMP TABLE batch_member AS
SELECT position, min(position) OVER same AS first, count(*) OVER same AS statements
FROM write_statement
WHERE inner_
WINDOW same AS (PARTITION BY channel, batch, text);

-- A cursor's batches are one operation: getMores are added to the find or aggregate that opened the cursor.
CREATE TEMP TABLE opener AS
SELECT source, cursor, min(position) AS first
FROM operation
WHERE reason IS NULL AND NOT more AND cursor IS NOT NULL AND cursor <> '0'
GROUP BY source, cursor;

CREATE TEMP TABLE cursor_member AS
SELECT o.position, p.first
FROM operation AS o JOIN opener AS p ON p.source = o.source AND p.cursor = o.cursor
WHERE o.reason IS NULL AND o.more;

CREATE TEMP TABLE gone AS
SELECT position FROM cursor_member
UNION ALL SELECT position FROM batch_member WHERE position <> first;

CREATE TEMP TABLE extra AS
SELECT m.first AS position, sum(o.ms) AS ms, sum(o.keys) AS keys, sum(o.documents) AS documents,
    sum(o.returned) AS returned, sum(o.bytes) AS bytes, sum(o.matched) AS matched, sum(o.deleted) AS deleted,
    max(m.statements) AS statements, max(o.ended) AS ended, max(o.exhausted) AS exhausted
FROM (
    SELECT position, first, 1 AS statements FROM cursor_member
    UNION ALL SELECT position, first, statements FROM batch_member WHERE position <> first
) AS m
JOIN operation AS o ON o.position = m.position
GROUP BY m.first;

INSERT INTO excluded
SELECT 'further batches of a cursor, added to the operation that opened it', count(*) FROM cursor_member;
INSERT INTO excluded
SELECT 'further statements of one write command, added to its first', count(*) FROM batch_member WHERE position <> first;
