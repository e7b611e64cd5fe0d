-- An observatory: UUID keys, a schema for each site, nothing declared between observations and targets.
CREATE FUNCTION uuid_of(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$f$ SELECT ('000000' || lpad(kind::text, 2, '0') || '-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $f$;
CREATE SCHEMA north; CREATE SCHEMA south;
DO $do$
DECLARE site text;
BEGIN
  FOREACH site IN ARRAY ARRAY['north', 'south'] LOOP
    EXECUTE format($$
      SET LOCAL search_path TO %I;
      CREATE TABLE night (night_uuid uuid PRIMARY KEY, evening date NOT NULL UNIQUE, observer_uuid uuid NOT NULL);
      CREATE TABLE person (person_uuid uuid PRIMARY KEY, full_name text NOT NULL);
      CREATE TABLE target (target_uuid uuid PRIMARY KEY, designation text NOT NULL, magnitude float NOT NULL);
      CREATE TABLE observation (
          observation_uuid uuid PRIMARY KEY, night_uuid uuid NOT NULL REFERENCES night, target_uuid uuid NOT NULL,
          proposed_by uuid NOT NULL, state text NOT NULL);
      CREATE INDEX ON observation (night_uuid);
      CREATE TABLE exposure (exposure_uuid uuid PRIMARY KEY, observation_uuid uuid NOT NULL, seconds int NOT NULL, band text NOT NULL);
      CREATE INDEX ON exposure (observation_uuid);
      CREATE TABLE weather (station text, minute int, humidity float NOT NULL, PRIMARY KEY (station, minute));
      INSERT INTO person SELECT public.uuid_of(1, n), 'person ' || n FROM generate_series(1, 80) AS n;
      INSERT INTO night SELECT public.uuid_of(2, n), date '2026-01-01' + n, public.uuid_of(1, n * 7 %% 80 + 1) FROM generate_series(1, 120) AS n;
      INSERT INTO target SELECT public.uuid_of(3, n), 'NGC ' || n, 8 + n %% 7 FROM generate_series(1, 200) AS n;
      INSERT INTO observation SELECT public.uuid_of(4, n), public.uuid_of(2, n %% 120 + 1), public.uuid_of(3, (n * 13 + n / 120 * 7) %% 200 + 1), public.uuid_of(1, (n * 3 + n / 120 * 11) %% 80 + 1),
          'planned'
      FROM generate_series(1, 1400) AS n;
      INSERT INTO exposure SELECT public.uuid_of(5, n), public.uuid_of(4, n %% 1400 + 1), 30, 'V' FROM generate_series(1, 4200) AS n;
      INSERT INTO weather SELECT 'dome', n, 40 + n %% 30 FROM generate_series(1, 500) AS n;
    $$, site);
  END LOOP;
END $do$;
ANALYZE;
