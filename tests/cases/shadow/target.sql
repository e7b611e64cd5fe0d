CREATE SCHEMA "Odd Schema";
CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE DOMAIN cents AS bigint CHECK (VALUE >= 0);
CREATE TYPE pair AS (first int, second text);
CREATE TYPE span AS RANGE (SUBTYPE = timestamptz);
CREATE SEQUENCE free_numbers;
CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT n * 2 $$;
CREATE TABLE event (
    id bigserial PRIMARY KEY,
    kind int NOT NULL,
    token text NOT NULL,
    at timestamptz NOT NULL,
    "Mixed Case" int,
    mood mood,
    price cents,
    deleted boolean NOT NULL,
    attributes jsonb NOT NULL,
    tags text[] NOT NULL,
    code text COLLATE "C",
    halves pair,
    twice int GENERATED ALWAYS AS (doubled(kind)) STORED
) WITH (fillfactor = 95);
INSERT INTO event (kind, token, at, "Mixed Case", mood, price, deleted, attributes, tags, code)
SELECT i % 1000, md5(i::text), timestamptz '2026-01-01' - i * interval '1 minute', i % 7,
    CASE WHEN i % 20 = 0 THEN 'angry' ELSE 'calm' END::mood, i % 5000, i % 50 = 0,
    jsonb_build_object('size', i % 40, 'name', 'n' || i), ARRAY['t' || i % 30, 'u' || i % 11], 'c' || i % 100
FROM generate_series(1, 100000) i;
CREATE INDEX event_kind_deleted ON event (kind) WHERE NOT deleted;
CREATE INDEX "event Mixed" ON event ("Mixed Case", lower(token) text_pattern_ops) INCLUDE (at);
CREATE STATISTICS event_kinds (ndistinct, dependencies) ON kind, price FROM event;
CREATE TABLE "Odd Schema"."User" (
    id int PRIMARY KEY,
    event_id bigint REFERENCES event,
    "select" text UNIQUE,
    during span,
    EXCLUDE USING gist (during WITH &&)
);
INSERT INTO "Odd Schema"."User" SELECT i, i, 'u' || i FROM generate_series(1, 20000) i;
CREATE TABLE measured (id int NOT NULL, day date NOT NULL, value real, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE measured_2024 PARTITION OF measured FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE measured_2025 PARTITION OF measured FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY HASH (id);
CREATE TABLE measured_2025_0 PARTITION OF measured_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE measured_2025_1 PARTITION OF measured_2025 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE measured_rest PARTITION OF measured DEFAULT;
INSERT INTO measured SELECT i, date '2024-01-01' + i % 700, i FROM generate_series(1, 60000) i;
CREATE INDEX measured_day ON measured (day);
CREATE TABLE parent (id int, name text);
CREATE TABLE child (extra int) INHERITS (parent);
INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 1000) i;
INSERT INTO child SELECT i, 'c' || i, i FROM generate_series(1, 1000) i;
CREATE VIEW live AS SELECT * FROM event WHERE NOT deleted;
CREATE VIEW live_users AS SELECT u.id, l.token FROM live l JOIN "Odd Schema"."User" u ON u.event_id = l.id;
CREATE MATERIALIZED VIEW totals AS SELECT kind, count(*) AS n FROM event GROUP BY kind;
CREATE UNIQUE INDEX totals_kind ON totals (kind);
