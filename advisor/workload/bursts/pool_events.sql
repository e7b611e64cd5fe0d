-- Reads that no unit of work explains, of pools: children spread over several sessions (asyncio.gather, a second
-- database). Reads: burst_event, burst_link, burst_shape, burst_verdict, burst_option.
-- Writes: burst_fan, burst_pooled.
CREATE OR REPLACE TEMP TABLE burst_loose AS
WITH explained AS (
    -- What repeats in a transaction is its own. Once a unit and shape: one endless unit has a million verdicts.
    SELECT DISTINCT unit, shape
    FROM burst_verdict
    WHERE kind = 1 OR verdict NOT IN ('traffic', 'no-key', 'parentless-loop', 'repeated-identical-query')
)
SELECT e.pool, e.shape, e.started, e.ended, e.spent, e.params, e.rows, e.stream, e.unit, e.seq
FROM burst_event AS e
ANTI JOIN explained AS x ON x.unit = e.unit AND x.shape = e.shape
WHERE e.role = 'read' AND e.kind > 0
  AND (e.shape IN (SELECT child FROM burst_link) OR e.shape IN (SELECT parent FROM burst_link));

-- Where a pool rests for as long as parts two requests of one session (250 ms, research page, 2.1 C), a cluster ends.
-- A tick is as long, so that no such rest is inside it. Parts are of ticks in turn, some reads_at_once together.
CREATE OR REPLACE TEMP TABLE burst_tick AS
WITH tick AS (
    SELECT pool, started // 250000 AS tick, min(started) AS first_started, max(ended) AS last_ended, count(*) AS n
    FROM burst_loose
    GROUP BY ALL
),
busy AS (
    SELECT *, max(last_ended) OVER (PARTITION BY pool ORDER BY tick) AS busy_until FROM tick
),
rest AS (
    SELECT *, first_started - lag(busy_until) OVER (PARTITION BY pool ORDER BY tick) AS pause FROM busy
)
SELECT
    pool,
    tick,
    -- sum, for count(*) FILTER takes DuckDB's windows quadratic time.
    sum(coalesce(pause > 250000, false)::INT) OVER (PARTITION BY pool ORDER BY tick) AS cluster,
    sum(n) OVER (ORDER BY tick, pool) // getvariable('reads_at_once') AS part
FROM rest;

-- Which shape may fan out from which, by their numbers: 1:1 is traffic, N:1 is fan-out (research page, 2.1 D).
CREATE OR REPLACE TEMP TABLE burst_fan AS
WITH total AS (
    SELECT pool, shape, count(*) AS n, sum(rows) AS rows FROM burst_loose GROUP BY pool, shape
)
SELECT c.pool, c.shape AS child, p.shape AS parent, l.rank, c.n, p.n AS parents
FROM total AS c
JOIN burst_link AS l ON l.child = c.shape AND l.rank IN (0, 1, 3, 4)
JOIN total AS p ON p.pool = c.pool AND p.shape = l.parent
    -- Of documents only the count tells: reads and rows are of one order.
    AND (l.rank < 4 OR p.rows BETWEEN 0.2 * c.n AND 5 * c.n)
JOIN burst_shape AS ps ON ps.id = p.shape AND NOT ps.single
JOIN burst_shape AS cs ON cs.id = c.shape AND NOT cs.locking AND NOT cs.pages AND (NOT cs.listed OR cs.elements = 1)
WHERE c.n >= p.n * (SELECT min_executions FROM burst_option)
  -- One row of the same table is read before each: a page that shows one thing, opened again and again.
  AND NOT EXISTS (
      FROM burst_link AS o
      JOIN burst_shape AS one ON one.id = o.parent AND one.single
      JOIN total AS t ON t.pool = c.pool AND t.shape = o.parent AND t.n BETWEEN 0.8 * c.n AND 1.25 * c.n
      WHERE o.child = c.shape AND o.rank < 2 AND one.target = ps.target);

-- Each part stands together, for a part is of ticks in turn and the file is in the order of time.
CREATE OR REPLACE TEMP TABLE burst_pooled AS
SELECT l.*, t.cluster, t.part
FROM burst_loose AS l
SEMI JOIN (SELECT pool, child AS shape FROM burst_fan UNION SELECT pool, parent FROM burst_fan) AS f
    ON f.pool = l.pool AND f.shape = l.shape
JOIN burst_tick AS t ON t.pool = l.pool AND t.tick = l.started // 250000;
DROP TABLE burst_loose;
DROP TABLE burst_tick;

CREATE OR REPLACE TEMP TABLE burst_step (pool UBIGINT, shape INTEGER, step BIGINT, spent DOUBLE);
CREATE OR REPLACE TEMP TABLE burst_near (
    child INTEGER, parent INTEGER, pool UBIGINT, anchor_seq BIGINT, rows BIGINT, n BIGINT, after BIGINT, params BIGINT,
    streams BIGINT, elsewhere BIGINT, follows BIGINT, span BIGINT, spent DOUBLE, spent_max DOUBLE)
