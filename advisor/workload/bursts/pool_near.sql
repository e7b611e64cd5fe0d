-- The children near each parent, one part of the pools' reads at a time. Reads: burst_pooled, burst_pace.
-- Adds to: burst_near.
CREATE OR REPLACE TEMP TABLE burst_part AS
FROM burst_pooled WHERE part = getvariable('part');

INSERT INTO burst_near
WITH child AS (
    SELECT p.child, p.parent, p.dense, p.reach, l.*
    FROM burst_pace AS p
    JOIN burst_part AS l ON l.pool = p.pool AND l.shape = p.child
),
-- Each execution of a child with the parent's before it and the one after it.
between_two AS (
    SELECT
        c.*,
        b.seq AS anchor_seq,
        b.ended AS anchor_ended,
        b.unit <> c.unit AS elsewhere,
        b.rows AS parent_rows,
        CASE WHEN b.cluster = c.cluster THEN c.started - b.ended END AS behind,
        -- Where time passes between them these may be requests in turn: then the next parent must be far.
        CASE WHEN a.cluster = c.cluster OR NOT c.dense
             THEN a.started - c.started - CASE WHEN c.dense THEN 0 ELSE c.reach END END AS ahead
    FROM child AS c
    ASOF LEFT JOIN burst_part AS b ON b.pool = c.pool AND b.shape = c.parent AND c.started >= b.ended - 1000
    ASOF LEFT JOIN burst_part AS a ON a.pool = c.pool AND a.shape = c.parent AND c.started < a.started
)
SELECT
    child, parent, pool, anchor_seq,
    any_value(parent_rows) AS rows,
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
FROM between_two
GROUP BY child, parent, pool, anchor_seq;
