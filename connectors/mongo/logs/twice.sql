-- What both the log and the profiler tell is told once: within the time that both cover, the n-th operation of a question
-- and duration in one is the n-th in the other (both take them from one place in the server). Reads: operation, text_of,
-- extra. Adds to: gone, excluded.
CREATE TEMP TABLE told AS
SELECT o.position, o.kind, split_part(o.ns, '.', 1) AS db, o.ended, t.text, o.ms + coalesce(e.ms, 0) AS ms,
    coalesce(e.statements, 1) > 1 AS batch
FROM operation AS o
JOIN text_of AS t ON t.question = o.question AND t.text <> ''
LEFT JOIN extra AS e ON e.position = o.position
ANTI JOIN gone AS g ON g.position = o.position
WHERE o.reason IS NULL;

CREATE TEMP TABLE twice AS
WITH span AS (SELECT kind, db, min(ended) AS first_at, max(ended) AS last_at FROM told GROUP BY ALL),
both_ AS (
    SELECT l.db, greatest(l.first_at, p.first_at) - INTERVAL 5 MILLISECONDS AS first_at,
        least(l.last_at, p.last_at) + INTERVAL 5 MILLISECONDS AS last_at
    FROM span AS l JOIN span AS p ON l.db = p.db AND l.kind = 'log' AND p.kind = 'profile'
),
ranked AS (
    SELECT s.kind, s.position, s.text, s.ms, s.batch,
        row_number() OVER (PARTITION BY s.kind, s.text, s.ms, s.batch ORDER BY s.ended, s.position) AS nth
    FROM told AS s JOIN both_ AS b ON b.db = s.db AND s.ended BETWEEN b.first_at AND b.last_at
)
SELECT p.position
FROM ranked AS p
JOIN ranked AS l ON l.kind = 'log' AND p.kind = 'profile' AND l.text = p.text AND l.ms = p.ms AND l.nth = p.nth
    AND l.batch = p.batch;

INSERT INTO excluded SELECT 'profiler documents that the log tells too', count(*) FROM twice;
INSERT INTO gone SELECT position FROM twice;
