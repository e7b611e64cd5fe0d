CREATE TABLE airport (id bigserial PRIMARY KEY, iata char(3) NOT NULL UNIQUE, city text NOT NULL);
CREATE TABLE aircraft (id bigserial PRIMARY KEY, registration text NOT NULL, model text NOT NULL);
CREATE TABLE flight (id bigserial PRIMARY KEY, number text NOT NULL, origin_id bigint NOT NULL REFERENCES airport, destination_id bigint NOT NULL REFERENCES airport,
  aircraft_id bigint NOT NULL REFERENCES aircraft, departs timestamptz NOT NULL);
CREATE TABLE passenger (id bigserial PRIMARY KEY, name text NOT NULL, passport text NOT NULL UNIQUE);
CREATE TABLE ticket (id bigserial PRIMARY KEY, flight_id bigint NOT NULL REFERENCES flight, passenger_id bigint NOT NULL REFERENCES passenger, fare int NOT NULL);
CREATE TABLE bag (id bigserial PRIMARY KEY, ticket_id bigint NOT NULL REFERENCES ticket, kilos int NOT NULL);
CREATE TABLE crew_member (id bigserial PRIMARY KEY, name text NOT NULL, reports_to_id bigint REFERENCES crew_member);
CREATE TABLE flight_crew (flight_id bigint NOT NULL REFERENCES flight, crew_member_id bigint NOT NULL REFERENCES crew_member, PRIMARY KEY (flight_id, crew_member_id));
CREATE TABLE message (id bigserial PRIMARY KEY, body text NOT NULL, state text NOT NULL DEFAULT 'new');
INSERT INTO airport (iata, city) SELECT chr(65 + n / 26) || chr(65 + n % 26) || 'X', 'city ' || n FROM generate_series(0, 99) n;
INSERT INTO aircraft (registration, model) SELECT 'D-' || n, 'A' || n % 9 FROM generate_series(1, 60) n;
INSERT INTO flight (number, origin_id, destination_id, aircraft_id, departs)
  SELECT 'QA' || n, n % 100 + 1, n * 7 % 100 + 1, n % 60 + 1, '2026-03-01'::timestamptz + n * interval '20 min' FROM generate_series(1, 600) n;
INSERT INTO passenger (name, passport) SELECT 'passenger ' || n, 'P' || n FROM generate_series(1, 800) n;
INSERT INTO ticket (flight_id, passenger_id, fare) SELECT n % 600 + 1, n * 3 % 800 + 1, n FROM generate_series(1, 4200) n;
INSERT INTO bag (ticket_id, kilos) SELECT n % 4200 + 1, n % 23 FROM generate_series(1, 6000) n;
INSERT INTO crew_member (name, reports_to_id) SELECT 'crew ' || n, CASE WHEN n > 6 THEN n % 6 + 1 END FROM generate_series(1, 90) n;
INSERT INTO flight_crew SELECT f, (f * 5 + k * 13) % 90 + 1 FROM generate_series(1, 600) f, generate_series(1, 4) k;
INSERT INTO message (body) SELECT 'm' || n FROM generate_series(1, 80) n;
CREATE INDEX ON ticket (flight_id); CREATE INDEX ON bag (ticket_id);
ANALYZE;
