-- Children spread over several sessions (a pool, asyncio.gather, a second database): accepted by counting, never by
-- nearness alone. Reads: burst_event, burst_link, burst_shape, burst_verdict, burst_option. Writes: burst_fanout.
CREATE OR REPLACE TEMP TABLE burst_loose AS
SELECT e.pool, e.shape, e.started, e.ended, e.spent, e.params, e.stream, e.unit, e.seq
FROM burst_event AS e
WHERE e.role = 'read' AND e.kind > 0
  AND (e.shape IN (SELECT child FROM burst_link) OR e.shape IN (SELECT parent FROM burst_link))
  -- What a unit of work explains by itself is no part of another: an N+1, and a transaction's own loop.
  AND NOT EXISTS (
      FROM burst_verdict AS v
      WHERE v.unit = e.unit AND v.shape = e.shape
        AND (v.verdict = 'n-plus-one' OR v.kind = 1 AND v.verdict IN ('parentless-loop', 'repeated-identical-query')));

-- Where a pool rests for as long as parts two requests of one session (250 ms, research page, 2.1 C), a cluster ends.
CREATE OR REPLACE TEMP TABLE burst_cluster AS
WITH rest AS (
    SELECT pool, seq, started,
           started - max(ended) OVER (
               PARTITION BY pool ORDER BY started, seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS pause
    FROM burst_loose
)
SELECT seq, count(*) FILTER (pause > 250000) OVER (PARTITION BY pool ORDER BY started, seq) AS cluster
FROM rest;

CREATE OR REPLACE TEMP TABLE burst_ratio AS
WITH stepped AS (
    SELECT *, started - lag(started) OVER (PARTITION BY pool, shape ORDER BY started, seq) AS step
    FROM burst_loose
),
total AS (
    SELECT pool, shape, count(*) AS n, median(step) AS step, median(spent) AS spent, count(DISTINCT stream) AS streams
    FROM stepped
    GROUP BY pool, shape
)
SELECT c.pool, c.shape AS child, p.shape AS parent, l.rank, c.n, p.n AS parents, c.streams,
       coalesce(c.step, 0) <= greatest(2000, 10 * c.spent) AS dense,
       -- Twice as long as a whole fan-out takes at the pace seen.
       greatest(10000, 2 * c.n / p.n * coalesce(c.step, 0)) AS reach
FROM total AS c
JOIN burst_link AS l ON l.child = c.shape AND l.rank IN (0, 1, 3)
JOIN total AS p ON p.pool = c.pool AND p.shape = l.parent
JOIN burst_shape AS ps ON ps.id = p.shape AND NOT ps.single
JOIN burst_shape AS cs ON cs.id = c.shape AND NOT cs.locking AND NOT cs.pages AND (NOT cs.listed OR cs.elements = 1)
-- 1:1 is traffic, N:1 is fan-out (research page, 2.1 D).
WHERE c.n >= p.n * (SELECT min_executions FROM burst_option)
  AND coalesce(c.step, 0) <= 250000
  -- One row of the same table is read before each: a page that shows one thing, opened again and again.
  AND NOT EXISTS (
      FROM burst_link AS o
      JOIN burst_shape AS one ON one.id = o.parent AND one.single
      JOIN total AS t ON t.pool = c.pool AND t.shape = o.parent AND t.n BETWEEN 0.8 * c.n AND 1.25 * c.n
      WHERE o.child = c.shape AND o.rank < 2 AND one.target = ps.target);

-- Each execution of a child with the parent's before it and the one after it.
CREATE OR REPLACE TEMP TABLE burst_between AS
WITH event AS (
    SELECT l.*, k.cluster FROM burst_loose AS l JOIN burst_cluster AS k USING (seq)
),
child AS (
    SELECT r.child, r.parent, r.dense, r.reach, e.* FROM burst_ratio AS r JOIN event AS e ON e.pool = r.pool AND e.shape = r.child
)
SELECT
    c.*,
    b.seq AS anchor_seq,
    b.ended AS anchor_ended,
    b.unit <> c.unit AS elsewhere,
    CASE WHEN b.cluster = c.cluster THEN c.started - b.ended END AS behind,
    -- Where time passes between them these may be requests in turn: then the next parent must be far.
    CASE WHEN a.cluster = c.cluster OR NOT c.dense THEN a.started - c.started - CASE WHEN c.dense THEN 0 ELSE c.reach END
    END AS ahead
FROM child AS c
ASOF LEFT JOIN event AS b ON b.pool = c.pool AND b.shape = c.parent AND c.started >= b.ended - 1000
ASOF LEFT JOIN event AS a ON a.pool = c.pool AND a.shape = c.parent AND c.started < a.started;

CREATE OR REPLACE TEMP TABLE burst_fanout AS
WITH near AS (
    SELECT
        child, parent, pool, anchor_seq,
        count(*) AS n,
        count(*) FILTER (behind IS NOT NULL) AS after,
        count(DISTINCT params) AS params,
        count(DISTINCT stream) AS streams,
        count(*) FILTER (elsewhere) AS elsewhere,
        -- Traffic that does not depend on the parent is as near to the next one as to the last.
        count(*) FILTER (behind IS NOT NULL AND (ahead IS NULL OR behind < ahead)) AS follows,
        greatest(max(ended) - any_value(anchor_ended), 0) AS span,
        sum(spent) AS spent,
        max(spent) AS spent_max
    FROM burst_between
    GROUP BY child, parent, pool, anchor_seq
),
judged AS (
    SELECT
        r.child, r.parent, r.rank, r.n, r.parents,
        2 * sum(n.follows) - r.n AS excess,
        median(n.after) AS per_unit,
        max(n.after) AS per_unit_max,
        sum(n.params) / r.n AS distinct_ratio,
        sum(greatest(n.span - n.spent_max - 0.25 * n.spent, 0)) / 1000 AS saved_ms,
        sum(n.spent) / 1000 AS server_ms,
        max(n.streams) AS streams,
        sum(n.elsewhere) / r.n AS elsewhere,
        arg_max(n.anchor_seq, (n.after, -n.anchor_seq)) AS example_anchor,
        -- Parents without a pause between them: then the children of each are as many as of any other, one close to the
        -- next.
        r.dense AND stddev_pop(n.n) / avg(n.n) < 0.1 AND count(*) >= 3 AS even
    FROM burst_ratio AS r
    JOIN near AS n ON n.child = r.child AND n.parent = r.parent AND n.pool = r.pool
    GROUP BY r.child, r.parent, r.rank, r.n, r.parents, r.pool, r.dense
    -- What stays in the parent's unit of work was judged there.
    HAVING sum(n.elsewhere) >= 0.25 * r.n
)
SELECT *, excess >= 0.7 * n OR even AS accepted
FROM judged
QUALIFY row_number() OVER (PARTITION BY child ORDER BY accepted DESC, rank, excess DESC, parent) = 1;
