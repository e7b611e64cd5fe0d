-- Shapes that run several times in one unit of work. Reads: burst_event, burst_shape, burst_option.
CREATE OR REPLACE TEMP TABLE burst_repeat AS
SELECT unit, shape
FROM burst_event
WHERE role IN ('read', 'write')
GROUP BY unit, shape
HAVING count(*) >= (SELECT min_executions FROM burst_option);

CREATE OR REPLACE TEMP VIEW burst_member AS
SELECT e.*
FROM burst_event AS e
SEMI JOIN burst_repeat AS r ON r.unit = e.unit AND r.shape = e.shape;

CREATE OR REPLACE TEMP TABLE burst_group AS
SELECT
    unit,
    shape,
    any_value(role) AS role,
    min(kind) AS kind,
    min(chunk) AS chunk,
    count(*) AS n,
    count(DISTINCT params) AS params,
    count(DISTINCT keyed) AS keyed,
    -- Only a trace joins sessions.
    greatest(count(DISTINCT stream) FILTER (kind = 0), 1) AS streams,
    count(*) FILTER (conflict) AS conflicts,
    min(pos) AS first_pos,
    max(pos) AS last_pos,
    min(started) AS started,
    max(ended) AS ended,
    sum(gap) AS gap,
    quantile_cont(gap, [0.1, 0.5]) AS gaps,
    sum(spent) AS spent,
    max(spent) AS spent_max,
    CASE WHEN bool_or(client_timed) THEN min(spent) ELSE 0 END AS trip,
    bool_or(client_timed) AS client_timed,
    quantile_cont(spent, 0.5) AS spent_median,
    -- From first to last, not a sum of differences: a log's times are rounded to milliseconds.
    -- Without the longest pause: one hiccup of the machine is no way of sending.
    greatest(max(ended) - min(ended) - sum(spent) - max(gap - spent), 0) AS idle,
    -- Most logs print whole milliseconds, some whole seconds (%t).
    CASE WHEN bool_and(ended % 1000000 = 0) THEN 1000000 WHEN bool_and(ended % 1000 = 0) THEN 1000 ELSE 0 END AS tick,
    median(elements) FILTER (elements > 0) AS elements,
    max(rows) AS rows_max,
    count(*) FILTER (rows = 0) AS empty,
    max(seq) AS last_seq
FROM burst_member
GROUP BY unit, shape;

-- Writes between a group's first and last execution: how many, and how many of them to the table that it reads.
CREATE OR REPLACE TEMP TABLE burst_write AS
SELECT
    g.unit,
    g.shape,
    count(*) AS writes,
    count(*) FILTER (w.written = s.target) AS same_table,
    count(*) FILTER (w.written = s.target AND w.inserts) AS inserts
FROM burst_group AS g
JOIN burst_shape AS s ON s.id = g.shape
JOIN burst_event AS e ON e.unit = g.unit AND e.role = 'write' AND e.pos BETWEEN g.first_pos AND g.last_pos + 2
JOIN burst_shape AS w ON w.id = e.shape
WHERE g.role = 'read'
GROUP BY g.unit, g.shape;

-- Of the same statement again and again: time between the starts of successive executions, and the share of those that
-- are within a fifth of the median (a coefficient of variation would be spoilt by one pause).
CREATE OR REPLACE TEMP TABLE burst_rhythm AS
WITH steps AS (
    SELECT m.unit, m.shape, m.started - lag(m.started) OVER (PARTITION BY m.unit, m.shape ORDER BY m.pos) AS step,
           -- What a log of whole seconds tells of it.
           CASE WHEN g.tick = 1000000 THEN (g.ended - g.started - g.tick) / (g.n - 1) ELSE 0 END AS least_mean
    FROM burst_member AS m
    JOIN burst_group AS g ON g.unit = m.unit AND g.shape = m.shape AND g.params = 1
),
middle AS (
    SELECT unit, shape, greatest(median(step), any_value(least_mean)) AS step
    FROM steps
    WHERE step IS NOT NULL
    GROUP BY unit, shape
)
SELECT m.unit, m.shape, m.step, avg((abs(s.step - m.step) <= 0.2 * m.step)::INT) AS regular
FROM middle AS m
JOIN steps AS s ON s.unit = m.unit AND s.shape = m.shape AND s.step IS NOT NULL
-- Only long steps can be a poller's.
WHERE m.step >= 20000
GROUP BY m.unit, m.shape, m.step;

-- A loop sends the same statements in each of its rounds, so that as many lie between two executions every time; in the
-- traffic of several clients through one session they differ. Only writes outside transactions are judged by it.
CREATE OR REPLACE TEMP TABLE burst_body AS
SELECT unit, shape, max(times) / sum(times) AS regular_body
FROM (
    SELECT unit, shape, step, count(*) AS times
    FROM (
        SELECT unit, shape, pos - lag(pos) OVER (PARTITION BY unit, shape ORDER BY pos) AS step
        FROM burst_member
        WHERE role = 'write' AND kind = 2
    )
    WHERE step IS NOT NULL
    GROUP BY unit, shape, step
)
GROUP BY unit, shape;

-- Filled by parents.sql, once for each round of links.
CREATE OR REPLACE TEMP TABLE burst_anchor (
    unit UBIGINT, child INTEGER, parent INTEGER, anchor BIGINT, anchor_seq BIGINT, within BOOLEAN, rows BIGINT, n BIGINT,
    params BIGINT, first_pos BIGINT, last_pos BIGINT, delay BIGINT);
CREATE OR REPLACE TEMP TABLE burst_pair (
    unit UBIGINT, child INTEGER, parent INTEGER, rank INTEGER, single BOOLEAN, within BOOLEAN, n BIGINT, anchors BIGINT,
    most BIGINT, recency DOUBLE, first_anchor BIGINT, anchor_seq BIGINT, too_few_rows BOOLEAN, exact BOOLEAN,
    round INTEGER);
CREATE OR REPLACE TEMP TABLE burst_accepted (
    unit UBIGINT, child INTEGER, parent INTEGER, rank INTEGER, within BOOLEAN, n BIGINT, anchors BIGINT, recency DOUBLE,
    first_anchor BIGINT, anchor_seq BIGINT, exact BOOLEAN, level INTEGER);
