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
        p.dense AND stddev_pop(n.n) / avg(n.n) < 0.1 AND count(*) >= 3 AS even,
        -- Documents: as many reads close behind a list as it returned.
        coalesce(sum(n.after) FILTER (n.as_many), 0) AS exact,
        count(*) FILTER (n.as_many) AS exact_parents,
        sum(n.after) AS near
    FROM burst_pace AS p
    JOIN (SELECT *, after = rows AND params > 1 AND after >= (SELECT min_executions FROM burst_option) AS as_many
          FROM burst_near) AS n ON n.child = p.child AND n.parent = p.parent AND n.pool = p.pool
    GROUP BY p.child, p.parent, p.rank, p.n, p.parents, p.pool, p.dense
    -- What stays in the parent's unit of work was judged there.
    HAVING sum(n.elsewhere) >= 0.25 * p.n
)
SELECT
    * EXCLUDE (n, parents, exact, exact_parents, near),
    rank = 4 AS counted,
    CASE WHEN counted THEN exact > 0 AND exact >= 0.5 * near ELSE excess >= 0.7 * n OR even END AS accepted,
    -- The same document is read elsewhere too; those reads are no part of it.
    CASE WHEN counted AND accepted THEN exact ELSE n END AS n,
    CASE WHEN counted AND accepted THEN exact_parents ELSE parents END AS parents
FROM judged
QUALIFY row_number() OVER (PARTITION BY child ORDER BY accepted DESC, rank, excess DESC, parent) = 1;
