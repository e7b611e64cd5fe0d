-- A trace is one unit whatever connections its statements took: their order is that of their start, and where the log's
-- clock tells no difference, that of the log.
-- Changes: burst_event.
CREATE OR REPLACE TEMP TABLE burst_trace AS
SELECT seq, row_number() OVER (PARTITION BY chunk ORDER BY started, seq) AS pos
FROM burst_event
WHERE kind = 0;
UPDATE burst_event SET pos = t.pos FROM burst_trace AS t WHERE t.seq = burst_event.seq;
DROP TABLE burst_trace;
