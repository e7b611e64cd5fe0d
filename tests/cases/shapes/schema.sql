-- What the statements of statements.sql speak of.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE customers (
    id bigint PRIMARY KEY, email varchar(200) UNIQUE, name text, birthday date, mood mood, deleted boolean NOT NULL DEFAULT false,
    tags text[], data jsonb, address inet, created_at timestamptz NOT NULL DEFAULT now(), credit numeric(12, 2), score real
);
CREATE TABLE orders (
    id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, status text, total numeric, quantity integer,
    created_at timestamptz, note text, search tsvector, "Weird Name" text, "order" integer
);
CREATE TABLE order_items (order_id bigint REFERENCES orders, line_no integer, product_id uuid, quantity int, price numeric, PRIMARY KEY (order_id, line_no));
CREATE TABLE "Mixed" ("Id" int PRIMARY KEY, "userName" text, period tstzrange, place point);
CREATE TABLE tree (id int PRIMARY KEY, parent_id int REFERENCES tree, name text);
CREATE VIEW open_orders AS SELECT o.id, o.customer_id AS who, o.total FROM orders o WHERE o.status = 'open';
CREATE SCHEMA other;
CREATE TABLE other.orders (id int, secret text);
