CREATE SCHEMA collection;
CREATE TABLE collection.artist (artist_uuid uuid PRIMARY KEY, artist_name text NOT NULL);
CREATE TABLE collection.building (building_no int PRIMARY KEY, address text NOT NULL);
CREATE TABLE collection.room (building_no int REFERENCES collection.building, room_no int, wing text, PRIMARY KEY (building_no, room_no));
CREATE TABLE collection.item (item_uuid uuid PRIMARY KEY, kind text NOT NULL, title text NOT NULL, made_by uuid REFERENCES collection.artist,
    hangs_building int NOT NULL, hangs_room int NOT NULL, FOREIGN KEY (hangs_building, hangs_room) REFERENCES collection.room);
CREATE TABLE collection.painting (item_uuid uuid PRIMARY KEY REFERENCES collection.item, technique text NOT NULL);
CREATE TABLE collection.sculpture (item_uuid uuid PRIMARY KEY REFERENCES collection.item, material text NOT NULL);
CREATE TABLE collection.museum (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE collection.loan (loan_no serial PRIMARY KEY, item_uuid uuid NOT NULL REFERENCES collection.item, to_museum text NOT NULL REFERENCES collection.museum);
CREATE TABLE collection.theme (theme_no serial PRIMARY KEY, word text NOT NULL, broader int REFERENCES collection.theme);
CREATE TABLE collection.item_theme (item_uuid uuid REFERENCES collection.item, theme_no int REFERENCES collection.theme, weight real NOT NULL DEFAULT 1,
    PRIMARY KEY (item_uuid, theme_no));
CREATE INDEX ON collection.loan (item_uuid);
CREATE FUNCTION pg_temp.key(kind text, n int) RETURNS uuid LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
INSERT INTO collection.artist SELECT pg_temp.key('artist', n), 'artist ' || n FROM generate_series(1, 40) n;
INSERT INTO collection.building SELECT n, 'street ' || n FROM generate_series(1, 3) n;
INSERT INTO collection.room SELECT b, r, 'north' FROM generate_series(1, 3) b, generate_series(1, 9) r;
INSERT INTO collection.item SELECT pg_temp.key('item', n), CASE WHEN n % 2 = 0 THEN 'painting' ELSE 'sculpture' END, 'work ' || n,
    pg_temp.key('artist', n % 40 + 1), n % 3 + 1, n % 9 + 1 FROM generate_series(1, 300) n;
INSERT INTO collection.painting SELECT item_uuid, 'oil' FROM collection.item WHERE kind = 'painting';
INSERT INTO collection.sculpture SELECT item_uuid, 'stone' FROM collection.item WHERE kind = 'sculpture';
INSERT INTO collection.museum SELECT 'M' || n, 'museum ' || n FROM generate_series(1, 14) n;
INSERT INTO collection.loan (item_uuid, to_museum) SELECT pg_temp.key('item', n % 300 + 1), 'M' || n % 14 + 1 FROM generate_series(1, 500) n;
INSERT INTO collection.theme (word, broader) SELECT 'theme ' || n, CASE WHEN n > 5 THEN n / 3 END FROM generate_series(1, 60) n;
INSERT INTO collection.item_theme SELECT DISTINCT pg_temp.key('item', n % 300 + 1), n % 60 + 1 FROM generate_series(1, 900) n;
ANALYZE;
