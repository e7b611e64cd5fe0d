-- name | the index that an expert would build for it (several by ';'), then the query.

-- equality | accounts (email)
SELECT id, name FROM accounts WHERE email = 'User77@Example.com';
-- two equalities | orders (account_id, status)
SELECT id, total FROM orders WHERE account_id = 4711 AND status = 'paid';
-- equality, then range | orders (region, placed_at)
SELECT id, total FROM orders WHERE region = 7 AND placed_at >= '2023-03-01' AND placed_at < '2023-03-08';
-- equality, then order, limited | events (account_id, at)
SELECT id, kind, amount FROM events WHERE account_id = 4711 ORDER BY at DESC LIMIT 20;
-- order alone, limited | orders (total)
SELECT id, account_id FROM orders ORDER BY total DESC LIMIT 10;
-- order in two directions | orders (region, status, total DESC)
SELECT id, total FROM orders WHERE region = 9 ORDER BY status, total DESC LIMIT 10;
-- NULLS LAST | accounts (deleted_at DESC NULLS LAST)
SELECT id, deleted_at FROM accounts ORDER BY deleted_at DESC NULLS LAST LIMIT 10;
-- list | events (account_id, kind)
SELECT id, amount FROM events WHERE account_id IN (11, 222, 3333, 44444) AND kind = 'k1';
-- join | accounts (email); events (account_id)
SELECT e.id, e.amount FROM accounts a JOIN events e ON e.account_id = a.id WHERE a.email = 'User990@Example.com';
-- join with filters on both sides | accounts (country); orders (account_id, status)
SELECT a.name, o.total FROM accounts a JOIN orders o ON o.account_id = a.id WHERE a.country = 'c40' AND o.status = 'void';
-- group | orders (region, account_id)
SELECT account_id, count(*) FROM orders WHERE region = 3 GROUP BY account_id ORDER BY count(*) DESC LIMIT 5;
-- distinct | events (account_id, kind)
SELECT DISTINCT kind FROM events WHERE account_id = 815;
-- answered by the index alone | events (kind, at) INCLUDE (amount)
SELECT sum(amount) FROM events WHERE kind = 'k25' AND at >= '2022-06-01' AND at < '2023-06-01';
-- rare status | accounts (id) WHERE status = 'fraud'
SELECT id, email FROM accounts WHERE status = 'fraud';
-- soft deletion | accounts (country) WHERE deleted_at IS NOT NULL
SELECT id, email FROM accounts WHERE deleted_at IS NOT NULL AND country = 'c17';
-- rare flag in order | events (at) WHERE NOT seen
SELECT id, account_id FROM events WHERE NOT seen ORDER BY at LIMIT 100;
-- lower() | accounts (lower(email))
SELECT id FROM accounts WHERE lower(email) = 'user4242@example.com';
-- date_trunc() | orders (date_trunc('day', placed_at))
SELECT count(*), sum(total) FROM orders WHERE date_trunc('day', placed_at) = '2023-05-05';
-- jsonb ->> | events ((payload ->> 'device'))
SELECT id, at FROM events WHERE payload ->> 'device' = 'd1234';
-- jsonb @> | events USING gin (payload jsonb_path_ops)
SELECT count(*) FROM events WHERE payload @> '{"device": "d99", "ok": true}';
-- jsonb ? | events USING gin (payload)
SELECT id FROM events WHERE payload ? 'refund';
-- array && | events USING gin (tags)
SELECT id FROM events WHERE tags && ARRAY['t17', 't1999'];
-- array @> | events USING gin (tags)
SELECT id FROM events WHERE tags @> ARRAY['t42', 't43'];
-- full text | documents USING gin (to_tsvector('english', body))
SELECT id, title FROM documents WHERE to_tsvector('english', body) @@ to_tsquery('english', 'word77 & word5000');
-- trigram | documents USING gin (title gin_trgm_ops)
SELECT id FROM documents WHERE title ILIKE '%0a1b2c%';
-- range && | documents USING gist (span)
SELECT id FROM documents WHERE span && int4range(5000, 5040);
-- point in box | documents USING gist (place)
SELECT id FROM documents WHERE place <@ box '((10,10),(15,15))';
-- large range in stored order | events USING brin (at)
SELECT count(*), sum(amount) FROM events WHERE at >= '2023-01-01' AND at < '2023-02-01';
-- prefix | accounts (name text_pattern_ops)
SELECT id, name FROM accounts WHERE name LIKE 'abc1%';
-- maximum | events (kind, at)
SELECT max(at) FROM events WHERE kind = 'k30';
-- OR | accounts (email); accounts (name)
SELECT id FROM accounts WHERE email = 'User5@Example.com' OR name = 'c4ca4238a0b9';
-- EXISTS | accounts (country); events (account_id, kind)
SELECT id FROM accounts a WHERE country = 'c39' AND EXISTS (SELECT 1 FROM events e WHERE e.account_id = a.id AND e.kind = 'k29');
-- LATERAL | accounts (email); orders (account_id, placed_at)
SELECT a.id, o.total FROM accounts a CROSS JOIN LATERAL (SELECT total FROM orders WHERE account_id = a.id ORDER BY placed_at DESC LIMIT 3) o WHERE a.email = 'User31@Example.com';
-- UNION | orders (account_id); events (account_id)
SELECT id FROM orders WHERE account_id = 65 UNION ALL SELECT id FROM events WHERE account_id = 65;
-- common table expression | orders (status, placed_at)
WITH recent AS (SELECT account_id FROM orders WHERE status = 'new' AND placed_at > '2024-09-20') SELECT count(*) FROM recent;
-- UPDATE | orders (account_id)
UPDATE orders SET total = total + 1 WHERE account_id = 1234 AND status = 'new';
-- DELETE | events (account_id)
DELETE FROM events WHERE account_id = 4712;
-- foreign key's cascade | events (account_id)
DELETE FROM accounts WHERE id = 4713;
