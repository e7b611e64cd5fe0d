-- Children spread over several sessions (a pool, asyncio.gather): accepted by counting, never by nearness alone.
-- Reads: burst_event, burst_link, burst_shape, burst_verdict, burst_option. Writes: burst_fanout.
CREATE OR REPLACE TEMP TABLE burst_loose AS
SELECT e.pool, e.shape, e.started, e.ended, e.spent, e.params, e.stream, e.unit, e.seq
FROM burst_event AS e
WHERE e.role = 'read' AND e.kind > 0
  AND (e.shape IN (SELECT child FROM burst_link) OR e.shape IN (SELECT parent FROM burst_link))
  AND NOT EXISTS (FROM burst_verdict AS v WHERE v.unit = e.unit AND v.shape = e.shape AND v.verdict = 'n-plus-one');

CREATE OR REPLACE TEMP TABLE burst_ratio AS
WITH stepped AS (
    SELECT *, started - lag(started) OVER (PARTITION BY pool, shape ORDER BY started, seq) AS step
    FROM burst_loose
),
total AS (
    SELECT pool, shape, count(*) AS n, median(step) AS step, median(spent) AS spent, count(DISTINCT stream) AS streams,
           count(DISTINCT unit) AS units
    FROM stepped
    GROUP BY pool, shape
)
SELECT c.pool, c.shape AS child, p.shape AS parent, l.rank, c.n, p.n AS parents, c.n / p.n AS ratio, c.streams,
       coalesce(c.step, 0) <= greatest(2000, 10 * c.spent) AS dense,
       -- Twice as long as a whole fan-out takes at the pace seen.
       greatest(10000, 2 * c.n / p.n * coalesce(c.step, 0)) AS reach
FROM total AS c
JOIN burst_link AS l ON l.child = c.shape AND l.rank < 2
JOIN total AS p ON p.pool = c.pool AND p.shape = l.parent
JOIN burst_shape AS ps ON ps.id = p.shape AND NOT ps.single
JOIN burst_shape AS cs ON cs.id = c.shape AND NOT cs.locking AND NOT cs.pages AND (NOT cs.listed OR cs.elements = 1)
-- 1:1 is traffic, N:1 is fan-out (research page, 2.1 D).
WHERE c.n >= p.n * (SELECT min_executions FROM burst_option) AND c.units > p.n
  -- A pause that parts requests of one session parts them here too (250 ms, research page, 2.1 C).
  AND coalesce(c.step, 0) <= 250000
  -- One row of the same table is read before each: a page that shows one thing, opened again and again.
  AND NOT EXISTS (
      FROM burst_link AS o
      JOIN burst_shape AS one ON one.id = o.parent AND one.single
      JOIN total AS t ON t.pool = c.pool AND t.shape = o.parent AND t.n BETWEEN 0.8 * c.n AND 1.25 * c.n
      WHERE o.child = c.shape AND o.rank < 2 AND one.target = ps.target);

-- Parents without a pause between them: then the children of each are as many as of any other, one close to the next.
CREATE OR REPLACE TEMP TABLE burst_even AS
SELECT child, parent, pool, bool_and(dense) AND stddev_pop(n) / avg(n) < 0.1 AND count(*) >= 3 AS even
FROM (
    SELECT r.child, r.parent, r.pool, r.dense, p.seq, count(*) AS n
    FROM burst_ratio AS r
    JOIN burst_loose AS c ON c.pool = r.pool AND c.shape = r.child
    ASOF JOIN (SELECT * FROM burst_loose) AS p
        ON p.pool = r.pool AND p.shape = r.parent AND c.started >= p.ended - 1000
    GROUP BY ALL
)
GROUP BY child, parent, pool;

CREATE OR REPLACE TEMP TABLE burst_fanout AS
WITH near AS (
    SELECT
        r.child, r.parent, r.pool, p.seq AS anchor_seq,
        count(*) FILTER (c.started >= p.ended - 1000) AS after,
        count(*) FILTER (c.started < p.started - 1000) AS before,
        count(DISTINCT c.params) FILTER (c.started >= p.ended - 1000) AS params,
        count(DISTINCT c.stream) FILTER (c.started >= p.ended - 1000) AS streams,
        greatest(max(c.ended) - p.ended, 0) AS span,
        sum(c.spent) AS spent,
        max(c.spent) AS spent_max,
        arg_max(c.unit, -c.seq) AS unit
    FROM burst_ratio AS r
    JOIN burst_loose AS p ON p.pool = r.pool AND p.shape = r.parent
    JOIN burst_loose AS c ON c.pool = r.pool AND c.shape = r.child
        AND c.started BETWEEN p.started - r.reach AND p.ended + r.reach
    GROUP BY r.child, r.parent, r.pool, p.seq, p.ended
),
judged AS (
    SELECT
        r.child, r.parent, r.rank, r.n, r.parents,
        -- Traffic that does not depend on the parent is as dense before it as after it.
        sum(n.after) - sum(n.before) AS excess,
        median(n.after) AS per_unit,
        max(n.after) AS per_unit_max,
        sum(n.params) / greatest(sum(n.after), 1) AS distinct_ratio,
        sum(greatest(n.span - n.spent_max - 0.25 * n.spent, 0)) / 1000 AS saved_ms,
        sum(n.spent) / 1000 AS server_ms,
        max(n.streams) AS streams,
        arg_max(n.anchor_seq, (n.after, -n.anchor_seq)) AS example_anchor,
        coalesce(bool_or(e.even), false) AS even
    FROM burst_ratio AS r
    JOIN near AS n ON n.child = r.child AND n.parent = r.parent AND n.pool = r.pool
    LEFT JOIN burst_even AS e ON e.child = r.child AND e.parent = r.parent AND e.pool = r.pool
    GROUP BY r.child, r.parent, r.rank, r.n, r.parents, r.pool
)
SELECT *, excess >= 0.7 * n OR even AS accepted
FROM judged
QUALIFY row_number() OVER (PARTITION BY child ORDER BY accepted DESC, rank, excess DESC, parent) = 1;
