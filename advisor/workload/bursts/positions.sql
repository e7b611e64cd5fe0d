-- Repeated lookups that neither keys nor names explain: which list stands right before them, and how regularly.
-- Reads: burst_event, burst_group, burst_accepted, burst_shape. Writes: burst_position (one row a child and parent).
CREATE OR REPLACE TEMP TABLE burst_orphan AS
SELECT g.unit, g.chunk, g.shape, g.n, g.kind, g.first_pos, g.last_pos
FROM burst_group AS g
JOIN burst_shape AS s ON s.id = g.shape AND s.keyed AND NOT s.locking AND NOT s.pages
ANTI JOIN burst_accepted AS a ON a.unit = g.unit AND a.child = g.shape
WHERE g.role = 'read' AND g.params > 1;

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
ORDER BY child, parent;
