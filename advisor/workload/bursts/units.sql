-- Events in the order of their session, cut into chunks (a client's turn on a connection) and units of work.
-- Reads: burst_raw. Adds to: burst_event.

-- One sort puts all events into places; what comes before an event, and the stretches between two borders, are then
-- joins on whole numbers.
CREATE OR REPLACE TEMP TABLE burst_place AS
SELECT row_number() OVER (ORDER BY stream, line, seq) AS place, seq, stream
FROM burst_raw;

CREATE OR REPLACE TEMP TABLE burst_order AS
SELECT p.*, r.role, r.route_key, r.numbered, r.started, r.ended, r.spent
FROM burst_place AS p
JOIN burst_raw AS r USING (seq);
DROP TABLE burst_place;

CREATE OR REPLACE TEMP TABLE burst_turn AS
WITH ends AS (
    SELECT stream, min(place) AS first_place, max(place) AS last_place FROM burst_order GROUP BY stream
),
mark AS (
    SELECT o.role, o.place, lead(o.place, 1, e.last_place + 1) OVER (PARTITION BY o.stream ORDER BY o.place) AS next_mark
    FROM burst_order AS o
    JOIN ends AS e USING (stream)
    WHERE o.role IN ('begin', 'end')
),
transaction AS (
    SELECT unnest(range(place, next_mark)) AS place FROM mark WHERE role = 'begin'
),
follows AS (
    SELECT
        o.*,
        p.ended AS previous_ended,
        p.role AS previous_role,
        o.route_key <> p.route_key AS other_route,
        p.place IS NOT NULL AND o.numbered IS DISTINCT FROM p.numbered AS other_number,
        t.place IS NOT NULL OR o.numbered IS NOT NULL AS begun
    FROM burst_order AS o
    LEFT JOIN burst_order AS p ON p.place = o.place - 1 AND p.stream = o.stream
    LEFT JOIN transaction AS t ON t.place = o.place
),
pace AS (
    -- Half of the pauses are shorter than this; a pause ten times as long parts two requests (research page, 2.1 C).
    SELECT stream, greatest(250000, 10 * median(started - previous_ended)) AS pause
    FROM follows
    WHERE started > previous_ended
    GROUP BY stream
)
SELECT
    f.place,
    f.seq,
    f.stream,
    begun OR role = 'end' AS inside,
    role = 'begin' OR other_number OR coalesce(previous_role = 'end', false) AS unit_cut,
    previous_role IS NULL
        OR previous_role = 'reset'
        OR coalesce(other_route, false)
        OR (role = 'begin' OR other_number OR NOT begun) AND role <> 'end'
            AND started - previous_ended > coalesce(pause, 250000)
        AS chunk_cut,
    -- Without a session the previous event may be a parallel one.
    CASE WHEN chunk_cut THEN spent ELSE greatest(ended - previous_ended, 0) END AS gap
FROM follows AS f
LEFT JOIN pace USING (stream);

INSERT INTO burst_event BY NAME
WITH ends AS (
    SELECT stream, min(place) AS first_place, max(place) AS last_place FROM burst_turn GROUP BY stream
),
border AS (
    SELECT
        t.place,
        t.place - e.first_place + 1 AS pos,
        sum(t.chunk_cut::INT) OVER stream AS chunk_no,
        row_number() OVER stream AS unit_no,
        lead(t.place, 1, e.last_place + 1) OVER stream AS next_border
    FROM burst_turn AS t
    JOIN ends AS e USING (stream)
    WHERE t.chunk_cut OR t.unit_cut
    WINDOW stream AS (PARTITION BY t.stream ORDER BY t.place)
),
stretch AS (
    SELECT unnest(range(place, next_border)) AS place, place AS first_place, pos, chunk_no, unit_no FROM border
)
SELECT
    r.* EXCLUDE (line, trace, route_key, numbered),
    t.inside,
    t.gap,
    s.pos + t.place - s.first_place AS pos,
    CASE WHEN r.trace IS NULL THEN s.chunk_no ELSE 0 END AS chunk_no,
    CASE WHEN r.trace IS NULL THEN s.unit_no ELSE 0 END AS unit_no,
    CASE WHEN r.trace IS NULL THEN hash(t.stream, s.chunk_no) ELSE hash('trace', r.trace) END AS chunk,
    CASE WHEN r.trace IS NULL THEN hash(t.stream, s.unit_no) ELSE hash('trace', r.trace) END AS unit,
    CASE WHEN r.trace IS NOT NULL THEN 0 WHEN t.inside THEN 1 ELSE 2 END::TINYINT AS kind
FROM burst_raw AS r
JOIN burst_turn AS t USING (seq)
JOIN stretch AS s USING (place);
