-- Meters of a power company: prefixed columns, no foreign key at all.
CREATE TABLE mtr_meter (mtr_serial text PRIMARY KEY, mtr_site int NOT NULL, mtr_tariff text NOT NULL, mtr_state text NOT NULL);
CREATE TABLE mtr_site (site_id serial PRIMARY KEY, site_town text NOT NULL, site_owner int NOT NULL);
CREATE TABLE mtr_reading (rdg_id bigserial PRIMARY KEY, rdg_serial text NOT NULL, rdg_at timestamptz NOT NULL, rdg_kwh int NOT NULL);
CREATE INDEX ON mtr_reading (rdg_serial, rdg_at);
CREATE TABLE tariff (trf_code text, trf_from date, trf_cents int NOT NULL, PRIMARY KEY (trf_code, trf_from));
CREATE TABLE owner (own_id serial PRIMARY KEY, own_name text NOT NULL, own_mail text NOT NULL UNIQUE);
CREATE TABLE job (job_id bigserial PRIMARY KEY, job_kind text NOT NULL, job_done boolean NOT NULL DEFAULT false, job_serial text NOT NULL);
CREATE TABLE worker (wrk_name text PRIMARY KEY, wrk_seen timestamptz NOT NULL, wrk_beats int NOT NULL DEFAULT 0);
CREATE TABLE setting (set_name text PRIMARY KEY, set_value text NOT NULL);
CREATE TABLE total (tot_serial text, tot_month int, tot_kwh int NOT NULL, PRIMARY KEY (tot_serial, tot_month));
INSERT INTO owner (own_name, own_mail) SELECT 'owner ' || n, 'o' || n FROM generate_series(1, 80) AS n;
INSERT INTO mtr_site (site_town, site_owner) SELECT 'town ' || n % 9, n * 7 % 80 + 1 FROM generate_series(1, 120) AS n;
INSERT INTO mtr_meter SELECT 'M' || n, n * 3 % 120 + 1, 'T' || n % 20, 'on' FROM generate_series(1, 300) AS n;
INSERT INTO mtr_reading (rdg_serial, rdg_at, rdg_kwh)
SELECT 'M' || n % 300 + 1, timestamptz '2026-01-01' + n * interval '3 minutes', n % 90 FROM generate_series(1, 6000) AS n;
INSERT INTO tariff SELECT 'T' || n, d, n + 20 FROM generate_series(0, 19) AS n, unnest(ARRAY[date '2025-01-01', date '2026-01-01']) AS d;
INSERT INTO job (job_kind, job_serial) SELECT 'bill', 'M' || n FROM generate_series(1, 100) AS n;
INSERT INTO worker SELECT 'w' || n, now() FROM generate_series(1, 4) AS n;
INSERT INTO setting SELECT 's' || n, 'v' FROM generate_series(1, 20) AS n;
ANALYZE;
