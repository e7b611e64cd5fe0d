-- For each repeated read, the executions of its possible parents that came before it.
-- Reads: burst_event, burst_member, burst_group, burst_link. Adds to: burst_pair (one row a unit, child and parent).
-- Run for the links that keys and names prove, and once more for those that only the position does.
CREATE OR REPLACE TEMP TABLE burst_parent_event AS
SELECT chunk, unit, unit_no, shape, pos, inside, ended, rows, seq
FROM burst_event
WHERE role = 'read' AND shape IN (SELECT parent FROM burst_link WHERE round = (SELECT max(round) FROM burst_link));

INSERT INTO burst_anchor
WITH child AS (
    SELECT m.unit, m.unit_no, m.chunk, m.shape, m.pos, m.params, m.started, l.parent
    FROM burst_member AS m
    JOIN burst_link AS l ON l.child = m.shape AND l.round = (SELECT max(round) FROM burst_link)
    WHERE m.role = 'read'
),
-- Outside transactions the page of one thing may stand between lists and their children: the first execution behind a
-- single row that explains it is that row's, and no list's.
step AS (
    SELECT chunk, shape, pos, lag(pos, 1, 0) OVER (PARTITION BY chunk, shape ORDER BY pos) AS previous
    FROM burst_member
    WHERE role = 'read' AND kind = 2
),
own AS (
    SELECT c.chunk, c.shape, c.pos, max(q.pos) AS single_pos, arg_max(q.shape, q.pos) AS single
    FROM (SELECT s.*, l.parent FROM step AS s
          JOIN burst_link AS l ON l.child = s.shape
          JOIN burst_shape AS p ON p.id = l.parent AND p.single) AS c
    ASOF JOIN burst_parent_event AS q ON c.chunk = q.chunk AND c.parent = q.shape AND c.pos > q.pos
    WHERE q.pos > c.previous
    GROUP BY c.chunk, c.shape, c.pos
),
behind AS (
    SELECT c.*, p.pos AS anchor, p.seq AS anchor_seq, p.unit = c.unit AS within, p.rows, p.ended AS read_at,
           o.single IS NULL OR o.single_pos < p.pos OR k.child IS NOT NULL AS its_own
    FROM child AS c
    ASOF JOIN burst_parent_event AS p ON c.chunk = p.chunk AND c.parent = p.shape AND c.pos > p.pos
    LEFT JOIN own AS o ON o.chunk = c.chunk AND o.shape = c.shape AND o.pos = c.pos AND o.single <> c.parent
    -- The list's own single rows, read one by one, are another relation of it.
    LEFT JOIN (SELECT DISTINCT child, parent FROM burst_link WHERE rank < 2) AS k
        ON k.child = o.single AND k.parent = c.parent
    -- A parent in the unit just before counts too: objects expired by COMMIT, a transaction begun after the list was
    -- read.
    WHERE p.unit = c.unit OR c.unit_no - p.unit_no = 1
)
SELECT
    unit,
    shape AS child,
    parent,
    anchor,
    any_value(anchor_seq) AS anchor_seq,
    bool_and(within) FILTER (its_own) AS within,
    any_value(rows) AS rows,
    count(*) FILTER (its_own) AS n,
    -- All that came behind it: where they are more than its rows, they are requests.
    count(DISTINCT params) AS params,
    min(pos) FILTER (its_own) AS first_pos,
    max(pos) FILTER (its_own) AS last_pos,
    min(started) FILTER (its_own) - any_value(read_at) AS delay
FROM behind
GROUP BY unit, shape, parent, anchor
HAVING count(*) FILTER (its_own) > 0;

-- Documents: how often an execution neither follows the one before at once nor when each of its rows was asked about.
CREATE OR REPLACE TEMP TABLE burst_break AS
SELECT unit, shape, count(*) FILTER (step > 3 AND step <> rows + 1) AS breaks
FROM (SELECT unit, shape, rows, lead(pos) OVER (PARTITION BY unit, shape ORDER BY pos) - pos AS step
      FROM burst_member
      WHERE role = 'read' AND shape IN (SELECT child FROM burst_link WHERE rank = 4))
GROUP BY unit, shape;

INSERT INTO burst_pair
SELECT
    a.unit,
    a.child,
    a.parent,
    any_value(l.rank) AS rank,
    any_value(s.single) AS single,
    bool_and(a.within) AS within,
    sum(a.n) AS n,
    count(*) AS anchors,
    max(a.n) AS most,
    avg(a.anchor) AS recency,
    min(a.anchor) AS first_anchor,
    arg_max(a.anchor_seq, a.n) AS anchor_seq,
    -- No parent returns fewer rows than it has children: then it is not the parent.
    coalesce(bool_or(a.rows < a.params), false) AS too_few_rows,
    -- As many children as the parent returned rows, close behind it: no chance (the source must tell rows, as MongoDB's
    -- always does; two siblings may be interleaved, and each row of a child may be asked about in its turn). Fewer are
    -- no chance either where it comes out three times.
    -- Where the rows are of several kinds, the reads of all kinds together are as many.
    coalesce(sum(a.n) FILTER ((a.rows = a.n OR a.rows = a.together)
        AND (a.n >= (SELECT min_executions FROM burst_option) OR a.alike >= 3)
        AND (a.last_pos - a.anchor <= 3.5 * a.rows OR b.breaks < a.anchors AND a.first_pos = a.anchor + 1))
        >= 0.5 * sum(a.n), false) AS exact,
    max(l.round) AS round
FROM (SELECT *, sum(n) OVER (PARTITION BY unit, parent, anchor) AS together,
             sum((rows = n AND n > 1)::INT) OVER of_pair AS alike,
             count(*) OVER of_pair AS anchors
      FROM burst_anchor
      WINDOW of_pair AS (PARTITION BY unit, child, parent)) AS a
JOIN burst_link AS l ON l.child = a.child AND l.parent = a.parent AND l.round = (SELECT max(round) FROM burst_link)
JOIN burst_shape AS s ON s.id = a.parent
LEFT JOIN burst_break AS b ON b.unit = a.unit AND b.shape = a.child
GROUP BY a.unit, a.child, a.parent;

INSERT INTO burst_accepted
SELECT unit, child, parent, rank, within, n, anchors, recency, first_anchor, anchor_seq, exact, 0 AS level
FROM burst_pair
WHERE round = (SELECT max(round) FROM burst_link)
  AND NOT single AND NOT too_few_rows AND most >= (SELECT min_executions FROM burst_option)
  -- Of documents only the count tells.
  AND (rank < 4 OR exact);
