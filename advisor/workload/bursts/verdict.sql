-- What each repetition is, and what it costs. Reads the tables of the files before; writes burst_verdict, burst_result.
CREATE OR REPLACE TEMP TABLE burst_chosen AS
SELECT a.*
FROM burst_accepted AS a
JOIN burst_shape AS p ON p.id = a.parent
JOIN (SELECT child, parent, bool_or(listed) AS listed FROM burst_link GROUP BY ALL) AS l
    ON l.child = a.child AND l.parent = a.parent
-- The best proof first, then the parent that was read last before the children (research page, 2.3); a list before a
-- single row: order.address and order.customer are likelier than order.address.customer where both would explain it; and
-- a list of the rows before another child that only joins them.
QUALIFY row_number() OVER (
    PARTITION BY a.unit, a.child
    ORDER BY a.rank, a.within DESC, p.single, a.level > 0 AND NOT l.listed, a.recency DESC, a.level, a.parent) = 1;

-- The unit before explains a repetition where it nearly always does; a pool hands a connection from one request to the
-- next, whose list then stands there by chance.
DELETE FROM burst_chosen AS c
WHERE NOT c.within AND (
    SELECT count(*) FROM burst_chosen AS o WHERE o.child = c.child AND o.parent = c.parent AND NOT o.within
) < 0.75 * (
    SELECT count(*) FROM burst_group AS g
    WHERE g.shape = c.child AND g.kind < 2
      AND NOT EXISTS (FROM burst_chosen AS o WHERE o.unit = g.unit AND o.child = g.shape AND o.within)
);

-- Something that runs before the parent and again before each child is the opening of a request (a session or user
-- lookup): the "children" are requests of their own that share a connection. What runs many times as often is no opening.
CREATE OR REPLACE TEMP TABLE burst_opening AS
SELECT DISTINCT c.unit, c.child
FROM burst_chosen AS c
JOIN burst_group AS g ON g.unit = c.unit AND g.shape = c.child AND g.kind = 2
JOIN burst_group AS o ON o.unit = c.unit AND o.shape NOT IN (c.child, c.parent)
    AND o.role = 'read' AND o.first_pos < c.first_anchor AND o.n BETWEEN 0.8 * g.n AND 2 * g.n
ANTI JOIN burst_chosen AS known ON known.unit = o.unit AND known.child = o.shape;

-- Other connections run the same shape in the same moment: requests side by side.
CREATE OR REPLACE TEMP TABLE burst_beside AS
SELECT g.unit, g.shape
FROM burst_group AS g
JOIN burst_group AS o ON o.shape = g.shape AND o.unit <> g.unit AND o.started < g.ended AND g.started < o.ended
WHERE g.kind = 2 AND o.kind = 2 AND g.role = 'read'
    AND NOT EXISTS (FROM burst_chosen AS c WHERE c.unit = g.unit AND c.child = g.shape)
GROUP BY g.unit, g.shape;

-- Reads of other shapes in between.
CREATE OR REPLACE TEMP TABLE burst_mixed AS
SELECT g.unit, g.shape, count(*) AS others
FROM burst_group AS g
JOIN burst_event AS e ON e.unit = g.unit AND e.role = 'read' AND e.shape <> g.shape
    AND e.pos BETWEEN g.first_pos AND g.last_pos
WHERE g.kind = 2 AND g.role = 'read'
    AND NOT EXISTS (FROM burst_chosen AS c WHERE c.unit = g.unit AND c.child = g.shape)
GROUP BY g.unit, g.shape;

CREATE OR REPLACE TEMP TABLE burst_instance AS
SELECT
    a.unit,
    a.child,
    greatest(count(*) FILTER (a.n >= (SELECT min_executions FROM burst_option)), 1) AS instances,
    max(a.n) AS most
FROM burst_anchor AS a
JOIN burst_chosen AS c ON c.unit = a.unit AND c.child = a.child AND c.parent = a.parent AND c.level = 0
GROUP BY a.unit, a.child;

CREATE OR REPLACE TEMP TABLE burst_verdict AS
WITH facts AS (
    SELECT
        g.* EXCLUDE (elements),
        coalesce(nullif(g.elements, 0), s.elements) AS elements,
        c.parent,
        c.rank,
        c.level,
        c.within,
        c.anchor_seq,
        coalesce(c.exact, false) AS exact,
        s.inserts AS of_inserts,
        s.locking,
        s.listed,
        s.pages,
        s.pages_by_offset,
        s.single,
        s.keyed AS has_key,
        coalesce(i.instances, 1) AS instances,
        coalesce(i.most, g.n) AS most,
        coalesce(w.writes, 0) AS writes,
        coalesce(w.same_table, 0) AS same_table,
        coalesce(w.inserts, 0) AS inserts,
        r.regular,
        r.step,
        o.unit IS NOT NULL AS opening,
        b.unit IS NOT NULL AS beside,
        coalesce(m.others, 0) AS others,
        coalesce(y.regular_body, 1) AS regular_body
    FROM burst_group AS g
    JOIN burst_shape AS s ON s.id = g.shape
    LEFT JOIN burst_chosen AS c ON c.unit = g.unit AND c.child = g.shape
    LEFT JOIN burst_instance AS i ON i.unit = g.unit AND i.child = g.shape
    LEFT JOIN burst_write AS w ON w.unit = g.unit AND w.shape = g.shape
    LEFT JOIN burst_rhythm AS r ON r.unit = g.unit AND r.shape = g.shape
    LEFT JOIN burst_opening AS o ON o.unit = g.unit AND o.child = g.shape
    LEFT JOIN burst_beside AS b ON b.unit = g.unit AND b.shape = g.shape
    LEFT JOIN burst_mixed AS m ON m.unit = g.unit AND m.shape = g.shape
    LEFT JOIN burst_body AS y ON y.unit = g.unit AND y.shape = g.shape
),
judged AS (
    SELECT
        *,
        CASE
            WHEN conflicts > 0 AND params <= greatest(n - conflicts, 1) THEN 'retry'
            -- Sent without waiting for answers: executemany of asyncpg and psycopg 3. Logging itself takes up to 50 µs a
            -- statement, the fastest loop over a local socket 100 µs more than its server time (measured).
            -- Below two ticks of the log's clock nobody can tell; runs of equal length are counted together.
            WHEN streams = 1 AND NOT client_timed
                AND sum(idle) OVER alike < 75 * sum(n) OVER alike - 2 * max(tick) OVER alike
                THEN 'pipelined'
            -- Writes of many requests, a few among hundreds of other statements of a session, are no loop.
            WHEN role = 'write' AND kind = 2 AND (last_pos - first_pos + 1 > 10 * n OR regular_body < 0.6) THEN 'traffic'
            WHEN listed AND elements <> 1 OR of_inserts AND rows_max > 1 THEN 'batched'
            -- A worker that says again and again that it lives; a loop writes other values each time.
            WHEN role = 'write' AND params = 1 AND step > 10 * spent_median THEN 'polling'
            WHEN role = 'write' THEN 'row-by-row-write'
            WHEN locking THEN 'locking'
            -- Another page of the same: what varies is the OFFSET. A source that does not part the two (the application's
            -- own recorder) is believed where no parent is known.
            WHEN pages_by_offset AND NOT single AND (keyed <= 0.5 * params OR client_timed AND parent IS NULL)
                THEN 'pagination'
            WHEN pages THEN 'pagination'
            WHEN inserts >= 0.8 * n THEN 'check-then-insert'
            WHEN same_table >= 0.8 * n THEN 'write-loop'
            WHEN opening THEN 'traffic'
            WHEN writes >= 0.8 * n THEN 'write-loop'
            -- Where only the count tells, the same question as often as there were rows is no question about the rows.
            WHEN parent IS NOT NULL AND (rank < 4 OR params > 1) THEN 'n-plus-one'
            -- At equal intervals; outside transactions at any that leave the connection at rest.
            WHEN params = 1 AND (regular >= 0.75 OR kind = 2) AND step > 10 * spent_median THEN 'polling'
            WHEN kind = 2 AND (beside OR others > 0.5 * n) THEN 'traffic'
            WHEN params = 1 OR params < n / 3.0 THEN 'repeated-identical-query'
            WHEN NOT has_key THEN 'no-key'
            ELSE 'parentless-loop'
        END AS verdict,
        -- SQLAlchemy's selectinload sends 500 keys a statement (2.1, loading docs); a cached answer needs one.
        ceil(params / 500.0) * instances AS batches,
        CASE WHEN streams > 1 THEN least(gap, ended - started) ELSE gap END AS spanned,
        -- Without the round trip where the durations hold it.
        spent - n * trip AS worked,
        spent_max - trip AS longest,
        greatest(gaps[2] - spent_median + trip, 0) AS pause
    FROM facts
    WINDOW alike AS (PARTITION BY shape, kind, n)
)
SELECT
    *,
    -- Research page, 2.7. A batch costs its slowest member plus a quarter of all; the range drops or doubles that part,
    -- and counts only the fastest tenth of the pauses.
    greatest(spanned - batches * pause - longest - 0.25 * worked, 0) AS saved,
    greatest(least(n * gaps[1], spanned) - batches * pause - longest - 0.5 * worked, 0) AS saved_low,
    greatest(spanned - batches * pause - longest, 0) AS saved_high
FROM judged;

CREATE OR REPLACE TEMP TABLE burst_result AS
SELECT
    v.verdict,
    v.shape,
    v.parent,
    sum(v.instances)::BIGINT AS units,
    sum(v.n)::BIGINT AS executions,
    -- Of all that its shape does: what runs otherwise too also comes several times in a row by chance. Without a parent
    -- only what does not rest as long as parts two requests (250 ms, research page, 2.1 C) can be a loop.
    coalesce(sum(sum(v.n) FILTER (v.parent IS NOT NULL OR v.gaps[2] < 250000)) OVER judged_so, 0) / any_value(t.n)
        AS share,
    sum(sum(v.instances)) OVER judged_so AS units_of_all,
    row_number() OVER (PARTITION BY v.verdict, v.shape ORDER BY sum(v.n) DESC, v.parent) = 1 AS main,
    median(v.n / v.instances) AS per_unit,
    max(v.most) AS per_unit_max,
    bool_or(v.exact) AS exact,
    mode(v.kind) AS kind,
    bool_or(v.kind < 2) AS bounded,
    -- Nothing else between its executions.
    coalesce(max(v.n) FILTER (v.last_pos - v.first_pos + 1 <= 1.2 * v.n), 0) AS tight,
    sum(v.params) / sum(v.n) AS distinct_ratio,
    sum(v.saved) / 1000 AS saved_ms,
    sum(v.saved_low) / 1000 AS saved_low_ms,
    sum(v.saved_high) / 1000 AS saved_high_ms,
    sum(v.spent) / 1000 AS server_ms,
    coalesce(bool_and(v.within), true) AS within,
    coalesce(max(v.level), 0) AS level,
    coalesce(bool_or(nested.unit IS NOT NULL), false) AS nested,
    coalesce(max(v.elements), 0) AS elements,
    coalesce(max(v.rows_max), -1) AS rows_max,
    max(v.streams) AS streams,
    arg_max(v.unit, (v.n, -v.last_seq)) AS example_unit,
    arg_max(v.anchor_seq, (v.n, -v.last_seq)) AS example_anchor
FROM burst_verdict AS v
JOIN (SELECT shape, count(*) AS n FROM burst_event GROUP BY shape) AS t ON t.shape = v.shape
LEFT JOIN burst_chosen AS nested ON nested.unit = v.unit AND nested.child = v.parent
GROUP BY v.verdict, v.shape, v.parent
WINDOW judged_so AS (PARTITION BY v.verdict, v.shape);
