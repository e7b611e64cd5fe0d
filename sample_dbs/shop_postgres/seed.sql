-- The data, made by the server alone. Every value is arithmetic on a row's number: u(i, salt) is a uniform number in [0, 1)
-- from PostgreSQL's own 64-bit hash, so that no plan, worker count or server version changes a row.
-- Setting shop.scale multiplies the row counts. population.py knows the same formulas.

-- step: helpers
CREATE FUNCTION pg_temp.u(i bigint, salt integer) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (hashint8extended(i, salt) & 4294967295)::float8 / 4294967296.0 $$;

CREATE FUNCTION pg_temp.rows_of(base integer, at_least integer) RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT greatest(at_least, round(base * current_setting('shop.scale')::float8)::integer) $$;

-- A power law over 1 .. n: rank 0 is the most frequent; ranks are scattered over the identifiers.
CREATE FUNCTION pg_temp.skewed(draw float8, n integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (1 + floor(n * draw * draw)::bigint * 7919 % n)::integer $$;

-- The moment of row i of n: three years from 2023-01-01, busier towards the end.
CREATE FUNCTION pg_temp.moment(i bigint, n integer) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT '2023-01-01 00:00+00'::timestamptz + interval '1 second' * floor(94694400 * power(i::float8 / n, 0.75)) $$;

CREATE TEMPORARY TABLE size AS SELECT
    pg_temp.rows_of(60000, 1000) AS customers, pg_temp.rows_of(12000, 2000) AS products,
    pg_temp.rows_of(320000, 2000) AS orders, pg_temp.rows_of(400000, 4000) AS movements,
    pg_temp.rows_of(200000, 2000) AS reviews, pg_temp.rows_of(150000, 2000) AS sessions,
    pg_temp.rows_of(120000, 2000) AS carts, pg_temp.rows_of(250000, 2000) AS events;
ANALYZE size;

-- step: lookups
INSERT INTO countries
SELECT chr(65 + i / 10) || chr(65 + i % 10), 'Country ' || i, i % 9 <> 0 FROM generate_series(0, 39) AS i;

INSERT INTO settings
SELECT 'shop.option_' || i, (i * 37 % 100)::text FROM generate_series(1, 12) AS i;

INSERT INTO warehouses
SELECT i, (ARRAY['Rotterdam', 'Leipzig', 'Lyon', 'Turin', 'Gdansk', 'Malmo', 'Porto', 'Graz'])[i] FROM generate_series(1, 8) AS i;

INSERT INTO tags
SELECT i, 'tag-' || i FROM generate_series(1, 200) AS i;

INSERT INTO coupons
SELECT i, 'SAVE' || i, 5 + i * 7 % 40, 0 FROM generate_series(1, 400) AS i;

INSERT INTO categories
SELECT i, CASE WHEN i > 12 THEN 1 + (i - 13) % 12 END, 'Category ' || i FROM generate_series(1, 120) AS i;

INSERT INTO jobs
SELECT i, 'send-receipt', 'done', 'order ' || i FROM generate_series(1, 4000) AS i;

-- step: customers
INSERT INTO customers
SELECT i, 'Shopper.' || i || '@' || (ARRAY['Example.com', 'Mail.example', 'Post.example', 'Example.org'])[1 + i % 4],
    (ARRAY['Ada', 'Ben', 'Carla', 'Dario', 'Elif', 'Finn', 'Greta', 'Hugo', 'Ines', 'Jan'])[1 + floor(pg_temp.u(i, 1) * 10)],
    (ARRAY['Berg', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Horvat', 'Ivanov'])[1 + floor(pg_temp.u(i, 2) * 8)],
    floor(pg_temp.u(i, 3) * 2000), pg_temp.u(i, 4) < 0.35, pg_temp.moment(i, size.customers)
FROM size, generate_series(1, size.customers) AS i;

-- Address i belongs to customer i; a third of the customers have a second one.
INSERT INTO addresses
SELECT i, CASE WHEN i <= size.customers THEN i ELSE 1 + floor(pg_temp.u(i, 5) * size.customers) END,
    'Street ' || floor(pg_temp.u(i, 6) * 900) || ', door ' || i % 40, 'City ' || floor(pg_temp.u(i, 7) * 400),
    lpad(floor(pg_temp.u(i, 8) * 99999)::text, 5, '0'), chr(65 + floor(pg_temp.u(i, 9) * 4)::integer) || chr(65 + i % 10)
FROM size, generate_series(1, size.customers * 4 / 3) AS i;

INSERT INTO sessions
SELECT i, pg_temp.skewed(pg_temp.u(i, 10), size.customers), md5('session ' || i),
    'Mozilla/5.0 (device ' || floor(pg_temp.u(i, 11) * 50) || ')', pg_temp.moment(i, size.sessions),
    pg_temp.moment(i, size.sessions) + interval '30 days'
FROM size, generate_series(1, size.sessions) AS i;

-- step: products
INSERT INTO products
SELECT i, 12 + pg_temp.skewed(pg_temp.u(i, 12), 108), 'SKU-' || lpad(i::text, 6, '0'), 'Product ' || i,
    repeat('A sturdy thing for home and garden. ', 2 + i % 4), 199 + floor(pg_temp.u(i, 13) * pg_temp.u(i, 14) * 50000),
    floor(pg_temp.u(i, 15) * 500), 10, 50 + floor(pg_temp.u(i, 16) * 9000), pg_temp.moment(i, size.products),
    CASE WHEN pg_temp.u(i, 17) < 0.05 THEN pg_temp.moment(i, size.products) + interval '90 days' END
FROM size, generate_series(1, size.products) AS i;

INSERT INTO product_images
SELECT i, position, '/images/' || i || '/' || position || '.webp'
FROM size, generate_series(1, size.products) AS i, generate_series(1, (1 + i % 4)::integer) AS position;

INSERT INTO product_tags
SELECT DISTINCT i, pg_temp.skewed(pg_temp.u(i * 4 + k, 18), 200)
FROM size, generate_series(1, size.products) AS i, generate_series(0, 3) AS k;

-- step: order lines
INSERT INTO order_items
SELECT line.i, line.line_no, products.id, 1 + floor(pg_temp.u(line.i * 8 + line.line_no, 21) ^ 3 * 5), products.price_cents
FROM (
    SELECT i, line_no, pg_temp.skewed(pg_temp.u(i * 8 + line_no, 20), size.products) AS product_id
    FROM size, generate_series(1, size.orders) AS i,
        generate_series(1, (1 + floor(pg_temp.u(i, 19) ^ 2 * 8))::integer) AS line_no
) AS line JOIN products ON products.id = line.product_id
ORDER BY line.i, line.line_no;

-- step: orders
INSERT INTO orders
SELECT i, customer_id, customer_id,
    CASE WHEN pg_temp.u(i, 23) < 0.1 THEN 1 + floor(pg_temp.u(i, 24) * 400) END,
    CASE WHEN pg_temp.u(i, 25) < 0.0006 THEN 'on_hold'
         WHEN pg_temp.u(i, 25) < 0.03 THEN 'cancelled'
         WHEN pg_temp.u(i, 25) < 0.06 THEN 'returned'
         WHEN i > n * 0.995 THEN 'pending'
         WHEN i > n * 0.985 THEN 'paid'
         WHEN i > n * 0.96 THEN 'shipped'
         ELSE 'delivered' END,
    total_cents, pg_temp.moment(i, n)
FROM (
    SELECT lines.order_id AS i, size.orders AS n, lines.total_cents,
        pg_temp.skewed(pg_temp.u(lines.order_id, 22), size.customers) AS customer_id
    FROM size, (
        SELECT order_id, sum(quantity * unit_price_cents) AS total_cents FROM order_items GROUP BY order_id
    ) AS lines
    ORDER BY lines.order_id
) AS total;

-- step: payments and shipments
INSERT INTO payments
SELECT id, id, (ARRAY['card', 'card', 'card', 'wallet', 'wallet', 'transfer', 'voucher'])[1 + floor(pg_temp.u(id, 26) * 7)],
    'ref-' || md5('payment ' || id), total_cents, placed_at + interval '1 second' * floor(-7200 * ln(1 - pg_temp.u(id, 27)))
FROM orders WHERE pg_temp.u(id, 28) < 0.93 ORDER BY id;

INSERT INTO shipments
SELECT id, id, (ARRAY['post', 'parcel', 'courier'])[1 + floor(pg_temp.u(id, 29) * 3)],
    'TRK' || lpad((id::bigint * 7919 % 1000000007)::text, 10, '0'), placed_at + interval '1 day',
    CASE WHEN status = 'delivered' THEN placed_at + interval '1 day' * (2 + floor(pg_temp.u(id, 30) * 5)) END
FROM orders WHERE pg_temp.u(id, 31) < 0.8 ORDER BY id;

-- step: reviews and carts
INSERT INTO reviews
SELECT i, pg_temp.skewed(pg_temp.u(i, 32), size.products), pg_temp.skewed(pg_temp.u(i, 33), size.customers),
    1 + floor(sqrt(pg_temp.u(i, 34)) * 5), repeat('Good value, arrived on time. ', 1 + (i % 4)::integer),
    pg_temp.moment(i, size.reviews)
FROM size, generate_series(1, size.reviews) AS i;

-- Nearly all carts are checked out or thrown away, which sets deleted_at.
INSERT INTO carts
SELECT i, pg_temp.skewed(pg_temp.u(i, 35), size.customers),
    (ARRAY[1 + p * 31 % n, 1 + p * 37 % n, 1 + p * 41 % n, 1 + p * 43 % n, 1 + p * 47 % n, 1 + p * 53 % n, 1 + p * 59 % n,
           1 + p * 61 % n, 1 + p * 67 % n, 1 + p * 71 % n, 1 + p * 73 % n, 1 + p * 79 % n, 1 + p * 83 % n, 1 + p * 89 % n
          ]::integer[])[1:8 + i % 7],
    pg_temp.moment(i, size.carts),
    CASE WHEN pg_temp.u(i, 37) >= 0.03 THEN pg_temp.moment(i, size.carts) + interval '2 hours' END
FROM size, generate_series(1, size.carts) AS i,
    LATERAL (SELECT 1 + floor(pg_temp.u(i, 36) * 1000000)::bigint AS p, size.products::bigint AS n) AS pick;

-- step: stock and audit
INSERT INTO inventory_movements
SELECT i, 1 + floor(pg_temp.u(i, 38) * size.products), 1 + floor(pg_temp.u(i, 39) ^ 2 * 8), floor(pg_temp.u(i, 40) * 40) - 20,
    (ARRAY['sale', 'sale', 'sale', 'delivery', 'count'])[1 + floor(pg_temp.u(i, 41) * 5)], pg_temp.moment(i, size.movements)
FROM size, generate_series(1, size.movements) AS i;

INSERT INTO audit_events
SELECT i, (ARRAY['order', 'order', 'order', 'customer', 'product'])[1 + floor(pg_temp.u(i, 42) * 5)],
    1 + floor(pg_temp.u(i, 43) * size.events / 8), (ARRAY['create', 'update', 'update', 'view'])[1 + floor(pg_temp.u(i, 44) * 4)],
    'clerk-' || floor(pg_temp.u(i, 45) ^ 2 * 90),
    jsonb_build_object('field', 'field_' || i % 17, 'before', i % 1000, 'after', i % 997, 'source', 'backoffice'),
    pg_temp.moment(i, size.events)
FROM size, generate_series(1, size.events) AS i;
