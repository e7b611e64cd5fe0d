-- The book shop that every recorded application uses.
CREATE TABLE publishers (id int PRIMARY KEY, name text NOT NULL, code uuid NOT NULL UNIQUE);
CREATE TABLE authors (id int PRIMARY KEY, name text NOT NULL, slug text NOT NULL UNIQUE, active bool NOT NULL DEFAULT true);
CREATE TABLE profiles (id int PRIMARY KEY, author_id int NOT NULL UNIQUE REFERENCES authors, bio text NOT NULL);
CREATE TABLE books (
    id int PRIMARY KEY, title text NOT NULL, body text NOT NULL,
    author_id int NOT NULL REFERENCES authors, editor_id int REFERENCES authors,
    publisher_id int NOT NULL REFERENCES publishers);
CREATE INDEX ON books (author_id);
CREATE INDEX ON books (publisher_id);
CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE reviews (
    id int PRIMARY KEY, book_id int NOT NULL REFERENCES books, user_id int NOT NULL REFERENCES users,
    stars int NOT NULL, created_at timestamptz NOT NULL);
CREATE INDEX ON reviews (book_id);
CREATE TABLE tags (id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE book_tags (book_id int REFERENCES books, tag_id int REFERENCES tags, PRIMARY KEY (book_id, tag_id));
CREATE TABLE categories (id int PRIMARY KEY, name text NOT NULL, parent_id int REFERENCES categories);
CREATE TABLE orders (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, placed_at timestamptz NOT NULL, state text NOT NULL);
CREATE TABLE order_items (
    order_id int NOT NULL REFERENCES orders, number int NOT NULL, book_id int NOT NULL REFERENCES books, quantity int NOT NULL,
    PRIMARY KEY (order_id, number));
CREATE TABLE item_events (
    id int PRIMARY KEY, order_id int NOT NULL, number int NOT NULL, what text NOT NULL,
    FOREIGN KEY (order_id, number) REFERENCES order_items);
-- No foreign keys here: relations are told by names alone.
CREATE TABLE shipments (id int PRIMARY KEY, order_id int NOT NULL, carrier text NOT NULL);
CREATE TABLE jobs (id int PRIMARY KEY, state text NOT NULL, payload int NOT NULL);
CREATE TABLE counters (name text PRIMARY KEY, value int NOT NULL);
CREATE TABLE readings (id serial PRIMARY KEY, sensor int NOT NULL, value float NOT NULL);
CREATE TABLE notes (id int PRIMARY KEY, content_type_id int NOT NULL, object_id int NOT NULL, text text NOT NULL);

INSERT INTO publishers SELECT n, 'publisher ' || n, md5(n::text)::uuid FROM generate_series(1, 12) n;
INSERT INTO authors SELECT n, 'author ' || n, 'author-' || n, n % 7 > 0 FROM generate_series(1, 60) n;
INSERT INTO profiles SELECT n, n, 'bio ' || n FROM generate_series(1, 60) n;
INSERT INTO books
SELECT n, 'book ' || n, repeat('text ', 20), n % 60 + 1, CASE WHEN n % 3 > 0 THEN (n * 7) % 60 + 1 END, n % 12 + 1
FROM generate_series(1, 400) n;
INSERT INTO users SELECT n, 'user' || n || '@example.org', 'user ' || n FROM generate_series(1, 100) n;
INSERT INTO reviews
SELECT n, n % 400 + 1, (n * 13) % 100 + 1, n % 5 + 1, '2026-01-01'::timestamptz + n * interval '1 hour'
FROM generate_series(1, 2000) n;
INSERT INTO tags SELECT n, 'tag ' || n FROM generate_series(1, 20) n;
INSERT INTO book_tags SELECT b, (b * k) % 20 + 1 FROM generate_series(1, 400) b, generate_series(1, 3) k ON CONFLICT DO NOTHING;
INSERT INTO categories SELECT n, 'category ' || n, nullif(n / 6, 0) FROM generate_series(1, 100) n;
INSERT INTO orders SELECT n, n % 100 + 1, '2026-01-01'::timestamptz + n * interval '1 hour', 'open' FROM generate_series(1, 200) n;
INSERT INTO order_items SELECT o, k, (o * k) % 400 + 1, k FROM generate_series(1, 200) o, generate_series(1, 3) k;
INSERT INTO item_events SELECT o * 3 + k, o, k, 'packed' FROM generate_series(1, 200) o, generate_series(1, 3) k;
INSERT INTO shipments SELECT n, n, 'carrier ' || n % 3 FROM generate_series(1, 200) n;
INSERT INTO jobs SELECT n, 'queued', n FROM generate_series(1, 5000) n;
INSERT INTO counters VALUES ('visits', 0), ('sales', 0);
INSERT INTO notes SELECT n, 1, n, 'note ' || n FROM generate_series(1, 60) n;
ANALYZE;
