-- Clubs of a town, a schema for each, German names, nothing declared.
CREATE SCHEMA turnverein; CREATE SCHEMA chor; CREATE SCHEMA feuerwehr;
DO $do$
DECLARE verein text;
BEGIN
  FOREACH verein IN ARRAY ARRAY['turnverein', 'chor', 'feuerwehr'] LOOP
    EXECUTE format($$
      SET LOCAL search_path TO %I;
      CREATE TABLE abteilung (abteilung_nr int PRIMARY KEY, bezeichnung text NOT NULL, leiter_nr int);
      CREATE TABLE mitglied (
          mitglied_nr int PRIMARY KEY, nachname text NOT NULL, abteilung_nr int NOT NULL, geworben_von int,
          zahlungsart text NOT NULL, eintritt date NOT NULL);
      CREATE INDEX ON mitglied (abteilung_nr);
      CREATE TABLE beitrag (
          beitrag_nr int PRIMARY KEY, mitglied_nr int NOT NULL, jahr int NOT NULL, betrag int NOT NULL, bezahlt boolean NOT NULL);
      CREATE INDEX ON beitrag (mitglied_nr);
      CREATE TABLE termin (termin_nr int PRIMARY KEY, titel text NOT NULL, ort_kuerzel text NOT NULL, am date NOT NULL);
      CREATE TABLE ort (kuerzel text PRIMARY KEY, anschrift text NOT NULL);
      CREATE TABLE teilnahme (termin_nr int NOT NULL, mitglied_nr int NOT NULL, zusage boolean, PRIMARY KEY (termin_nr, mitglied_nr));
      CREATE TABLE ausweis (mitglied_nr int PRIMARY KEY, nummer text NOT NULL UNIQUE);
      CREATE TABLE mahnung (mahnung_nr serial PRIMARY KEY, mitglied_nr int NOT NULL, text text NOT NULL, versandt timestamptz);
      INSERT INTO abteilung SELECT n, 'Abteilung ' || n, n * 9 FROM generate_series(1, 14) AS n;
      INSERT INTO mitglied SELECT n, 'Name ' || n, n * 5 %% 14 + 1, CASE WHEN n > 20 THEN n - 20 END,
          CASE n %% 3 WHEN 0 THEN 'bar' ELSE 'abbuchung' END, date '2010-01-01' + n FROM generate_series(1, 250) AS n;
      INSERT INTO beitrag SELECT n, n %% 250 + 1, 2020 + n / 250, 50, n %% 4 > 0 FROM generate_series(1, 1000) AS n;
      INSERT INTO ort SELECT 'O' || n, 'Strasse ' || n FROM generate_series(1, 9) AS n;
      INSERT INTO termin SELECT n, 'Termin ' || n, 'O' || n %% 9 + 1, date '2026-01-01' + n FROM generate_series(1, 60) AS n;
      INSERT INTO teilnahme SELECT n %% 60 + 1, n %% 249 + 1, true FROM generate_series(1, 1200) AS n ON CONFLICT DO NOTHING;
      INSERT INTO ausweis SELECT n, 'AW' || n FROM generate_series(1, 250) AS n;
      INSERT INTO mahnung (mitglied_nr, text) SELECT n, 'bitte' FROM generate_series(1, 60) AS n;
    $$, verein);
  END LOOP;
END $do$;
ANALYZE;
