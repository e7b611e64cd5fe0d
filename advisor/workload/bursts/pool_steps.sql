-- Time between the starts of successive children of a pool, one part of its reads at a time.
-- Reads: burst_pooled, burst_fan. Adds to: burst_step.
INSERT INTO burst_step
SELECT pool, shape, started - lag(started) OVER (PARTITION BY pool, shape ORDER BY started, seq), spent
FROM burst_pooled AS p
SEMI JOIN burst_fan AS f ON f.pool = p.pool AND f.child = p.shape
WHERE part = getvariable('part')
