-- A database with something for every kind of index: 1.2 million events and what belongs to them, from a fixed seed.
SELECT setseed(0.42);

CREATE TABLE accounts (
    id integer PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    country text NOT NULL,
    status text NOT NULL,
    created_at timestamp NOT NULL,
    deleted_at timestamp
);
INSERT INTO accounts
SELECT n, 'User' || n || '@Example.com', substr(md5(n::text), 1, 12), 'c' || (random() ^ 2 * 40)::int,
       CASE WHEN n % 400 = 0 THEN 'fraud' WHEN n % 50 = 0 THEN 'suspended' ELSE 'active' END,
       timestamp '2020-01-01' + n * interval '10 minutes',
       CASE WHEN n % 33 = 0 THEN timestamp '2024-01-01' + random() * interval '300 days' END
FROM generate_series(1, 100000) n;

CREATE TABLE events (
    id bigint PRIMARY KEY,
    account_id integer NOT NULL REFERENCES accounts ON DELETE CASCADE,
    kind text NOT NULL,
    at timestamp NOT NULL,
    amount numeric(10, 2) NOT NULL,
    seen boolean NOT NULL,
    payload jsonb NOT NULL,
    tags text[] NOT NULL
);
INSERT INTO events
SELECT n, 1 + (random() * 99999)::int, 'k' || (random() ^ 3 * 30)::int, timestamp '2022-01-01' + n * interval '1 minute',
       random() * 1000, n % 500 <> 0,
       jsonb_build_object('device', 'd' || (random() * 5000)::int, 'ok', n % 7 = 0)
           || CASE WHEN n % 2000 = 0 THEN '{"refund": true}' ELSE '{}' END::jsonb,
       ARRAY['t' || (random() * 3000)::int, 't' || (random() * 3000)::int]
FROM generate_series(1, 1200000) n;

CREATE TABLE orders (
    id integer PRIMARY KEY,
    account_id integer NOT NULL,
    region integer NOT NULL,
    status text NOT NULL,
    placed_at timestamp NOT NULL,
    total integer NOT NULL
);
INSERT INTO orders
SELECT n, 1 + (random() * 99999)::int, (random() * 50)::int,
       (ARRAY['new', 'paid', 'sent', 'done', 'done', 'done', 'done', 'void'])[1 + (random() * 7)::int],
       timestamp '2022-01-01' + random() * interval '1000 days', (random() * 100000)::int
FROM generate_series(1, 300000) n;

CREATE TABLE documents (
    id integer PRIMARY KEY,
    title text NOT NULL,
    body text NOT NULL,
    span int4range NOT NULL,
    place point NOT NULL
);
INSERT INTO documents
SELECT n, 'Report ' || md5(n::text),
       'word' || (random() * 9000)::int || ' lorem ipsum dolor sit amet word' || (random() * 9000)::int
           || ' consectetur word' || (random() * 9000)::int,
       int4range(n * 10, n * 10 + 15), point(random() * 1000, random() * 1000)
FROM generate_series(1, 100000) n;
