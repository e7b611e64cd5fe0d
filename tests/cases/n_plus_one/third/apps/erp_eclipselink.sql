-- Composite keys that begin with the company; only lines and texts declare theirs.
CREATE SCHEMA erp;
SET search_path TO erp;
CREATE TABLE customer (company smallint, customer_no int, name text NOT NULL, terms_code text NOT NULL, PRIMARY KEY (company, customer_no));
CREATE TABLE terms (code text PRIMARY KEY, days int NOT NULL);
CREATE TABLE sales_order (
    company smallint, order_no int, customer_no int NOT NULL, ordered_on date NOT NULL, status text NOT NULL,
    version int NOT NULL DEFAULT 1, PRIMARY KEY (company, order_no));
CREATE INDEX ON sales_order (company, customer_no);
CREATE TABLE item (company smallint, item_no text, unit text NOT NULL, PRIMARY KEY (company, item_no));
CREATE TABLE item_text (
    company smallint, item_no text, lang text, body text NOT NULL, PRIMARY KEY (company, item_no, lang),
    FOREIGN KEY (company, item_no) REFERENCES item);
CREATE TABLE order_line (
    company smallint, order_no int, line_no int, item_no text NOT NULL, quantity int NOT NULL,
    PRIMARY KEY (company, order_no, line_no), FOREIGN KEY (company, order_no) REFERENCES sales_order);
CREATE TABLE posting (posting_id serial PRIMARY KEY, company smallint NOT NULL, order_no int NOT NULL, cents int NOT NULL);
CREATE TABLE number_range (name text PRIMARY KEY, next_no int NOT NULL);
INSERT INTO terms SELECT 'T' || n, n * 10 FROM generate_series(1, 40) AS n;
INSERT INTO customer SELECT c, n, 'customer ' || n, 'T' || n % 40 + 1 FROM generate_series(1, 3) AS c, generate_series(1, 90) AS n;
INSERT INTO sales_order SELECT c, n, n * 7 % 90 + 1, date '2026-01-01' + n % 300, 'open'
FROM generate_series(1, 3) AS c, generate_series(1, 300) AS n;
INSERT INTO item SELECT c, 'I' || n, 'kg' FROM generate_series(1, 3) AS c, generate_series(1, 120) AS n;
INSERT INTO item_text SELECT c, 'I' || n, l, 'text' FROM generate_series(1, 3) AS c, generate_series(1, 120) AS n, unnest(ARRAY['de', 'en']) AS l;
INSERT INTO order_line SELECT c, n % 300 + 1, n / 300 + 1, 'I' || n * 11 % 120 + 1, n % 5
FROM generate_series(1, 3) AS c, generate_series(0, 1199) AS n;
INSERT INTO number_range VALUES ('invoice', 1);
ANALYZE;
