-- Repeated lookups that neither keys nor names explain: which list stands right before them, and how regularly.
-- Reads: burst_event, burst_group, burst_accepted, burst_link, burst_shape, burst_option. Writes: burst_position (one row a
-- child and parent).
CREATE OR REPLACE TEMP TABLE burst_orphan AS
SELECT g.unit, g.chunk, g.shape, g.n, g.kind, g.first_pos, g.last_pos
FROM burst_group AS g
JOIN burst_shape AS s ON s.id = g.shape AND s.keyed AND NOT s.locking AND NOT s.pages
ANTI JOIN burst_accepted AS a ON a.unit = g.unit AND a.child = g.shape
WHERE g.role = 'read' AND g.params > 1;

-- Outside transactions a session may serve one request after the other: then the runs of one lookup tell, each with the
-- list right before it.
CREATE OR REPLACE TEMP TABLE burst_run AS
WITH reading AS (
    SELECT e.chunk, e.pos, e.shape, s.single, lag(e.shape) OVER turn AS previous
    FROM burst_event AS e
    SEMI JOIN (SELECT chunk FROM burst_orphan WHERE kind = 2) AS o ON o.chunk = e.chunk
    JOIN burst_shape AS s ON s.id = e.shape
    WHERE e.role = 'read'
    WINDOW turn AS (PARTITION BY e.chunk ORDER BY e.pos)
),
run AS (
    SELECT *, sum((previous IS DISTINCT FROM shape)::INT) OVER (PARTITION BY chunk ORDER BY pos) AS run FROM reading
)
SELECT shape AS child, arg_min(previous, pos) AS parent, count(*) AS n
FROM run
WHERE shape IN (SELECT shape FROM burst_orphan WHERE kind = 2)
GROUP BY chunk, run, shape
HAVING count(*) >= (SELECT min_executions FROM burst_option);

-- And in a pool, where each statement takes the connection that is free, the list that was read last by anybody.
CREATE OR REPLACE TEMP TABLE burst_last_list AS
WITH total AS (
    SELECT e.pool, e.shape, count(*) AS n, any_value(s.single) AS single,
           bool_or(s.keyed AND NOT s.locking AND NOT s.pages AND NOT s.listed) AS asks
    FROM burst_event AS e
    JOIN burst_shape AS s ON s.id = e.shape
    WHERE e.role = 'read' AND e.kind > 0
    GROUP BY e.pool, e.shape
),
child AS (
    SELECT pool, shape, n FROM total AS c
    WHERE asks AND shape NOT IN (SELECT child FROM burst_accepted)
      AND shape NOT IN (SELECT child FROM burst_link WHERE rank < 2)
      AND EXISTS (FROM total AS p
                  WHERE p.pool = c.pool AND NOT p.single AND p.n BETWEEN 3 AND c.n / (SELECT min_executions FROM burst_option))
),
list AS (
    SELECT e.pool, e.shape, e.ended, e.unit
    FROM burst_event AS e
    JOIN total AS t ON t.pool = e.pool AND t.shape = e.shape AND NOT t.single
    WHERE e.role = 'read' AND e.kind > 0 AND e.pool IN (SELECT pool FROM child) AND e.shape NOT IN (SELECT shape FROM child)
)
SELECT c.pool, c.shape AS child, l.shape AS parent, count(*) FILTER (l.unit <> e.unit) AS n, any_value(c.n) AS all_n
FROM child AS c
JOIN burst_event AS e ON e.pool = c.pool AND e.shape = c.shape AND e.kind > 0
ASOF JOIN list AS l ON l.pool = e.pool AND e.started >= l.ended - 1000
GROUP BY c.pool, c.shape, l.shape;

CREATE OR REPLACE TEMP TABLE burst_position AS
WITH reading AS (
    -- The reads of the same turns, numbered, and how often each ran in its unit: a sibling's runs as often as the child.
    SELECT e.chunk, e.unit, e.pos, e.shape, s.single, coalesce(g.n, 1) AS n,
           row_number() OVER (PARTITION BY e.chunk ORDER BY e.pos) AS place
    FROM burst_event AS e
    SEMI JOIN burst_orphan AS o ON o.chunk = e.chunk
    JOIN burst_shape AS s ON s.id = e.shape
    LEFT JOIN burst_group AS g ON g.unit = e.unit AND g.shape = e.shape
    WHERE e.role = 'read'
),
before AS (
    SELECT o.unit, o.shape AS child, p.shape AS parent, f.place - p.place AS distance
    FROM burst_orphan AS o
    JOIN reading AS f ON f.chunk = o.chunk AND f.pos = o.first_pos
    JOIN reading AS p ON p.chunk = o.chunk AND p.place BETWEEN f.place - 4 AND f.place - 1
    WHERE NOT p.single AND p.shape <> o.shape AND p.n <= 0.8 * o.n
    QUALIFY row_number() OVER (PARTITION BY o.unit, o.shape ORDER BY distance) = 1
),
-- Other reads between its executions, which are no siblings: then these are requests that share a connection.
between_them AS (
    SELECT o.unit, o.shape AS child, count(*) AS others
    FROM burst_orphan AS o
    JOIN burst_event AS e ON e.unit = o.unit AND e.role = 'read' AND e.pos BETWEEN o.first_pos AND o.last_pos
    ANTI JOIN burst_group AS g ON g.unit = e.unit AND g.shape = e.shape
    WHERE o.kind = 2
    GROUP BY o.unit, o.shape
),
counted AS (
    SELECT o.shape AS child, b.parent, count(*) AS units,
           sum(count(*)) OVER (PARTITION BY o.shape) AS all_units,
           sum(count(*) FILTER (b.parent IS NOT NULL)) OVER (PARTITION BY o.shape) AS behind_lists
    FROM burst_orphan AS o
    LEFT JOIN before AS b ON b.unit = o.unit AND b.child = o.shape
    LEFT JOIN between_them AS t ON t.unit = o.unit AND t.child = o.shape
    WHERE coalesce(t.others, 0) <= 0.2 * o.n OR b.parent IS NULL
    GROUP BY o.shape, b.parent
)
SELECT child, parent
FROM counted
-- In unit after unit, not by chance: nearly always behind some list, and behind this one three times or nearly always.
WHERE parent IS NOT NULL AND behind_lists >= 0.75 * all_units AND (units >= 3 OR units >= 0.75 * all_units)
UNION
SELECT child, parent
FROM (SELECT child, parent, count(*) AS runs, sum(count(*)) OVER (PARTITION BY child) AS all_runs
      FROM burst_run GROUP BY child, parent)
JOIN burst_shape AS p ON p.id = parent AND NOT p.single
WHERE runs >= greatest(3, 0.75 * all_runs)
UNION
SELECT child, parent FROM burst_last_list WHERE n >= 0.75 * all_n
ORDER BY child, parent;
