-- A small database with one of everything that a catalog can hold. The plans under cases/plans were taken from it.
CREATE SCHEMA zoo;
CREATE TABLE zoo."Keeper" (
    id bigserial PRIMARY KEY,
    "Name" text COLLATE "C" NOT NULL,
    email varchar(80) UNIQUE,
    born date DEFAULT '2000-01-01',
    g int GENERATED ALWAYS AS (1 + 1) STORED
);
CREATE TABLE zoo.animal (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    keeper bigint REFERENCES zoo."Keeper" ON DELETE CASCADE,
    kind text,
    weight numeric(6, 2),
    tags text[],
    doc jsonb,
    seen timestamptz
);
CREATE INDEX animal_partial ON zoo.animal (lower(kind), weight DESC NULLS LAST) INCLUDE (seen)
    WHERE weight > 10 AND kind <> 'x';
CREATE INDEX animal_pattern ON zoo.animal (kind text_pattern_ops, seen DESC);
CREATE INDEX animal_collated ON zoo.animal (kind COLLATE "C");
CREATE INDEX animal_product ON zoo.animal ((weight * 2));
CREATE INDEX animal_doc ON zoo.animal USING gin (doc jsonb_path_ops);
CREATE INDEX animal_seen ON zoo.animal USING brin (seen);
CREATE TABLE zoo.log (at timestamptz NOT NULL, x int, k text) PARTITION BY RANGE (at);
CREATE TABLE zoo.log_1 PARTITION OF zoo.log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE zoo.log_2 PARTITION OF zoo.log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE INDEX log_x ON zoo.log (x);
CREATE VIEW zoo.v AS SELECT kind, count(*) FROM zoo.animal GROUP BY 1;
CREATE MATERIALIZED VIEW zoo.mv AS SELECT id, kind FROM zoo.animal;
INSERT INTO zoo."Keeper" ("Name", email) SELECT 'n' || g, 'e' || g || '@x' FROM generate_series(1, 1000) g;
INSERT INTO zoo.animal (keeper, kind, weight, tags, doc, seen)
SELECT 1 + g % 1000, 'kind' || g % 7, g % 100, ARRAY['a', 'b' || g % 3], '{"a": 1}', timestamptz '2026-01-01' - g * interval '1 hour'
FROM generate_series(1, 20000) g;
INSERT INTO zoo.log SELECT timestamptz '2020-02-01' + g * interval '1 hour', g % 50, 'k' || g FROM generate_series(1, 15000) g;
ANALYZE;
CREATE TABLE zoo.never (a int);
INSERT INTO zoo.never SELECT generate_series(1, 500);
CREATE TABLE zoo.audit (at timestamptz DEFAULT now(), what text);
CREATE SEQUENCE zoo.counter;
CREATE FUNCTION zoo.count_up() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT nextval('zoo.counter') $$;
CREATE FUNCTION zoo.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO zoo.audit (what) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER never_noted AFTER INSERT OR UPDATE OR DELETE ON zoo.never FOR EACH STATEMENT EXECUTE FUNCTION zoo.note();
CREATE ROLE beggar LOGIN PASSWORD 'rags-and-tatters';
REVOKE ALL ON SCHEMA zoo FROM PUBLIC;
