-- How fast children follow one another. Reads: burst_fan, burst_step. Writes: burst_pace.
CREATE OR REPLACE TEMP TABLE burst_pace AS
WITH pace AS (
    SELECT pool, shape, coalesce(median(step), 0) AS step, median(spent) AS spent FROM burst_step GROUP BY pool, shape
)
SELECT f.*, step <= greatest(2000, 10 * spent) AS dense,
       -- Twice as long as a whole fan-out takes at the pace seen.
       greatest(10000, 2 * f.n / f.parents * step) AS reach
FROM burst_fan AS f
JOIN pace AS p ON p.pool = f.pool AND p.shape = f.child
WHERE step <= 250000;
