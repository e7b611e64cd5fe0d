SELECT 1
SELECT count(1) FROM orders
SELECT * FROM orders WHERE id = 5
SELECT * FROM orders WHERE id = -5 AND total > -1.5
SELECT o.id, o.total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.email = 'a@b.c' AND o.status IN ('new', 'paid', 'sent') ORDER BY o.created_at DESC NULLS LAST LIMIT 20 OFFSET 40
SELECT id FROM orders WHERE status = ANY ('{new,paid}'::text[])
SELECT id FROM orders WHERE id = ANY (ARRAY[1, 2, 3])
SELECT id FROM orders WHERE id IN (1, 2, 3) AND id NOT IN (4, 5)
SELECT id FROM orders WHERE (customer_id, status) IN ((1, 'a'), (2, 'b'))
SELECT id FROM orders WHERE (created_at, id) < ('2026-01-01', 10) ORDER BY created_at DESC, id DESC FETCH FIRST 10 ROWS ONLY
SELECT id FROM orders WHERE created_at > now() - interval '1 day'
SELECT id FROM orders WHERE created_at > now() - interval '1' day AND created_at < current_timestamp(3)
SELECT id FROM orders WHERE created_at > now() - '1 day'::interval
SELECT id FROM orders WHERE created_at >= date '2026-01-01' AND created_at < timestamp with time zone '2026-02-01 00:00+00'
SELECT id FROM orders WHERE created_at::date = '2026-01-01'
SELECT id FROM orders WHERE created_at BETWEEN '2026-01-01' AND '2026-02-01' AND total BETWEEN 1 AND 2 + 3
SELECT date_trunc('month', created_at) AS month, count(*), sum(total) FROM orders GROUP BY 1 ORDER BY 1
SELECT date_trunc('month', created_at) AS month, count(*) FROM orders GROUP BY date_trunc('month', created_at) ORDER BY month DESC
SELECT extract(year FROM created_at), extract('month' from created_at) FROM orders
SELECT coalesce(note, 'none'), count(*) FROM orders GROUP BY coalesce(note, 'none') HAVING count(*) > 5
SELECT sum(CASE WHEN status = 'paid' THEN 1 ELSE 0 END), avg(case when total > 10 then total else 0 end) FROM orders
SELECT count(*) FILTER (WHERE status = 'paid') FROM orders
SELECT CASE status WHEN 'a' THEN 'x' WHEN 'b' THEN 'y' ELSE 'z' END FROM orders
SELECT round(total, 2), round(total * 1.19, 2), total + 5, quantity / 2, quantity % 3 FROM orders
SELECT concat('a', name, 'b'), name || ' ' || email, format('%s-%s', name, 5) FROM customers
SELECT upper(substring(name from 1 for 3)), left(name, 2), position('a' in name), trim(both ' ' from name) FROM customers
SELECT json_build_object('id', id, 'name', name), jsonb_build_array(1, 'x') FROM customers
SELECT json_agg(json_build_object('a', 1)), string_agg(name, ', ' ORDER BY name), array_agg(id) FROM customers
SELECT * FROM customers WHERE lower(email) = 'a@b.c' AND NOT deleted AND birthday IS NOT NULL
SELECT * FROM customers WHERE email LIKE 'abc%' AND name ILIKE '%def%' AND name NOT LIKE 'x_' ESCAPE '\'
SELECT * FROM customers WHERE name ~ '^a' AND email !~* 'spam' AND name SIMILAR TO '(a|b)%'
SELECT * FROM customers WHERE data @> '{"vip": true}' AND data ? 'x' AND data ?| array['a', 'b'] AND data->>'plan' = 'gold' AND data #>> '{a,b}' = '1'
SELECT * FROM customers WHERE (data->>'age')::int > 18 AND (data->'limits'->>'max')::numeric < 5.5
SELECT * FROM customers WHERE jsonb_path_exists(data, '$.a[*] ? (@ > 2)') AND data @? '$.a'
SELECT * FROM customers WHERE tags @> ARRAY['a'] AND tags && '{b,c}' AND 'd' = ANY (tags)
SELECT * FROM customers WHERE mood = 'happy' AND address << '10.0.0.0/8' AND address = '10.0.0.1'::inet
SELECT * FROM customers WHERE credit = 1.50::numeric(12,2) AND email = CAST('x' AS varchar(200)) AND score > 0.5
SELECT * FROM orders WHERE search @@ to_tsquery('english', 'a & b') ORDER BY ts_rank(search, to_tsquery('english', 'a & b')) DESC LIMIT 5
SELECT * FROM orders WHERE search @@ plainto_tsquery('hello') AND to_tsvector('english', note) @@ websearch_to_tsquery('english', 'x y')
SELECT * FROM orders WHERE "Weird Name" = 'x' AND "order" = 3
SELECT "Id", "userName" FROM "Mixed" WHERE "userName" = 'x' AND period && tstzrange('2026-01-01', '2026-02-01') ORDER BY place <-> point '(1,2)' LIMIT 3
SELECT DISTINCT status FROM orders WHERE total > 5
SELECT DISTINCT ON (customer_id) customer_id, id FROM orders ORDER BY customer_id, created_at DESC
SELECT customer_id, row_number() OVER (PARTITION BY customer_id ORDER BY created_at DESC) AS rn FROM orders
SELECT * FROM (SELECT o.*, row_number() OVER (PARTITION BY customer_id ORDER BY created_at DESC) AS rn FROM orders o) x WHERE rn <= 3
SELECT ntile(10) OVER (ORDER BY total), lag(total, 1, 0) OVER w FROM orders WINDOW w AS (ORDER BY created_at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
SELECT * FROM orders o WHERE EXISTS (SELECT 1 FROM order_items i WHERE i.order_id = o.id AND i.quantity > 3)
SELECT * FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_items i WHERE i.order_id = o.id)
SELECT * FROM orders WHERE customer_id IN (SELECT id FROM customers WHERE email = 'x')
SELECT * FROM orders WHERE customer_id = (SELECT id FROM customers WHERE email = 'x' LIMIT 1)
SELECT o.id, (SELECT count(*) FROM order_items i WHERE i.order_id = o.id) FROM orders o WHERE o.customer_id = 7
SELECT c.*, l.total FROM customers c LEFT JOIN LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id ORDER BY created_at DESC LIMIT 1) l ON true WHERE c.id = 3
SELECT * FROM orders LEFT OUTER JOIN customers ON customers.id = orders.customer_id WHERE customers.name IS NULL
SELECT * FROM order_items JOIN orders USING (quantity) WHERE product_id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
SELECT * FROM orders NATURAL JOIN other.orders
SELECT o1.id FROM orders o1, orders o2 WHERE o1.customer_id = o2.customer_id AND o1.id < o2.id AND o2.status = 'x'
WITH recent AS (SELECT * FROM orders WHERE created_at > '2026-01-01') SELECT * FROM recent WHERE customer_id = 4
WITH recent AS MATERIALIZED (SELECT * FROM orders WHERE created_at > '2026-01-01') SELECT * FROM recent r JOIN recent s ON r.id = s.id
WITH RECURSIVE up AS (SELECT id, parent_id FROM tree WHERE id = 5 UNION ALL SELECT t.id, t.parent_id FROM tree t JOIN up ON t.id = up.parent_id) SELECT * FROM up
WITH gone AS (DELETE FROM orders WHERE id = 3 RETURNING *) SELECT count(*) FROM gone
SELECT id FROM orders WHERE status = 'a' UNION SELECT id FROM customers WHERE name = 'b' ORDER BY 1 LIMIT 5
SELECT id, 1 AS kind FROM orders UNION ALL SELECT id, 2 FROM customers
(SELECT id FROM orders ORDER BY id LIMIT 3) UNION ALL (SELECT id FROM customers ORDER BY id LIMIT 4)
SELECT id FROM orders EXCEPT SELECT order_id FROM order_items
SELECT * FROM open_orders WHERE who = 5
SELECT * FROM other.orders WHERE id = 3
SELECT * FROM generate_series(1, 10) AS g(x) WHERE x > 3
SELECT * FROM unnest(ARRAY[1, 2, 3]) AS u(x) JOIN orders ON orders.id = u.x
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v(id, name) JOIN orders ON orders.id = v.id
VALUES (1, 'a'), (2, 'b')
TABLE tree
SELECT * FROM orders FOR UPDATE
SELECT * FROM orders WHERE status = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
SELECT id FROM orders WHERE total IS DISTINCT FROM 5 AND (status = 'a') IS TRUE
SELECT id FROM orders WHERE status = 'a' OR (status = 'b' AND total > 5) OR customer_id = 3
SELECT id FROM orders WHERE created_at AT TIME ZONE 'UTC' > '2026-01-01'
SELECT status, customer_id, sum(total) FROM orders GROUP BY ROLLUP (status, customer_id)
SELECT status COLLATE "C" FROM orders ORDER BY status COLLATE "C" DESC
SELECT orders.*::text FROM orders WHERE id = 1
SELECT id FROM orders TABLESAMPLE BERNOULLI (5) WHERE total > 3
SELECT tags[1], tags[2:3] FROM customers WHERE tags[1] = 'x'
SELECT * FROM orders ORDER BY random() LIMIT 5
SELECT * FROM orders WHERE id = 1 /* route='x' */ -- trailing
SELECT E'it''s\n', 'it''s', $$dollar$$, $x$a $$ b$x$, U&'d\0061t', B'101', X'1F'
SELECT 10000000000, 1e10, .5, 5., 0x1F, 1_000
SELECT not_a_keyword.id FROM orders not_a_keyword WHERE not_a_keyword.id=+5
INSERT INTO orders (id, customer_id, status, total) VALUES (1, 2, 'a', 3.5)
INSERT INTO orders (id, status) VALUES (1, 'a'), (2, 'b'), (3, DEFAULT) RETURNING id
INSERT INTO orders (id, created_at) VALUES (1, now() + interval '1 hour') ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, note = 'x' WHERE orders.total < 5
INSERT INTO order_items (order_id, line_no, quantity) SELECT id, 1, quantity FROM orders WHERE status = 'a'
INSERT INTO tree DEFAULT VALUES
UPDATE orders SET status = 'b', total = total * 1.1, note = NULL WHERE id = 3
UPDATE orders SET (status, note) = ('a', 'b') WHERE customer_id IN (SELECT id FROM customers WHERE deleted)
UPDATE orders o SET total = x.sum FROM (SELECT order_id, sum(price * quantity) FROM order_items GROUP BY order_id) x WHERE x.order_id = o.id AND o.status = 'a'
UPDATE customers SET data = jsonb_set(data, '{a}', '1'), tags = array_append(tags, 'x') WHERE id = 5
DELETE FROM orders WHERE created_at < now() - interval '90 days'
DELETE FROM orders USING customers c WHERE c.id = orders.customer_id AND c.deleted
MERGE INTO orders t USING customers s ON t.customer_id = s.id AND t.status = 'a' WHEN MATCHED AND s.deleted THEN DELETE WHEN MATCHED THEN UPDATE SET note = 'x' WHEN NOT MATCHED THEN INSERT (id, customer_id) VALUES (1, s.id)
SELECT "orders"."id" AS "orders_id" FROM "orders" WHERE 5 = "orders"."customer_id"
SELECT (1) AS a FROM orders WHERE orders.customer_id = 5 LIMIT 1
SELECT COUNT(*) FROM (SELECT DISTINCT o.customer_id AS c FROM orders o WHERE NOT (o.status = 'x' AND o.status IS NOT NULL)) subquery
SELECT id FROM orders WHERE CURRENT_DATE - created_at::date > 30
SELECT greatest(total, 0), nullif(status, ''), abs(-5) FROM orders
SELECT age(created_at), to_char(created_at, 'YYYY-MM') FROM orders WHERE to_char(created_at, 'YYYY-MM') = '2026-01'
SELECT to_char(created_at, 'YYYY-MM') AS m, count(*) FROM orders GROUP BY to_char(created_at, 'YYYY-MM')
SELECT width_bucket(total, 0, 100, 10) AS b, count(*) FROM orders GROUP BY width_bucket(total, 0, 100, 10) ORDER BY width_bucket(total, 0, 100, 10)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM orders
SELECT regexp_replace(name, 'a', 'b', 'g'), split_part(email, '@', 2), lpad(name, 10, '0') FROM customers
SELECT make_interval(days => 5), now() + 5 * interval '1 day'
SELECT pg_try_advisory_lock(42)
