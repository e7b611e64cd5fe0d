-- Children spread over several sessions: accepted by counting, never by nearness alone. Reads: burst_pace, burst_near.
-- Writes: burst_fanout.
CREATE OR REPLACE TEMP TABLE burst_fanout AS
WITH judged AS (
    SELECT
        p.child, p.parent, p.rank, p.n, p.parents,
        2 * sum(n.follows) - p.n AS excess,
        median(n.after) AS per_unit,
        max(n.after) AS per_unit_max,
        sum(n.params) / p.n AS distinct_ratio,
        sum(greatest(n.span - n.spent_max - 0.25 * n.spent, 0)) / 1000 AS saved_ms,
        sum(n.spent) / 1000 AS server_ms,
        max(n.streams) AS streams,
        sum(n.elsewhere) / p.n AS elsewhere,
        arg_max(n.anchor_seq, (n.after, -n.anchor_seq)) AS example_anchor,
        -- Parents without a pause between them: then the children of each are as many as of any other, one close to the
        -- next.
        p.dense AND stddev_pop(n.n) / avg(n.n) < 0.1 AND count(*) >= 3 AS even
    FROM burst_pace AS p
    JOIN burst_near AS n ON n.child = p.child AND n.parent = p.parent AND n.pool = p.pool
    GROUP BY p.child, p.parent, p.rank, p.n, p.parents, p.pool, p.dense
    -- What stays in the parent's unit of work was judged there.
    HAVING sum(n.elsewhere) >= 0.25 * p.n
)
SELECT *, excess >= 0.7 * n OR even AS accepted
FROM judged
QUALIFY row_number() OVER (PARTITION BY child ORDER BY accepted DESC, rank, excess DESC, parent) = 1;
