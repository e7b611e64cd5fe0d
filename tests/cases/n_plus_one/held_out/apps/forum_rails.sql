-- As Rails' migrations make it by default: bigint keys, indexes on references, no foreign keys.
CREATE TABLE users (id bigserial PRIMARY KEY, name varchar, email varchar, karma int DEFAULT 0);
CREATE TABLE boards (id bigserial PRIMARY KEY, title varchar);
CREATE TABLE posts (id bigserial PRIMARY KEY, board_id bigint, author_id bigint, title varchar, views int DEFAULT 0);
CREATE TABLE events (id bigserial PRIMARY KEY, host_id bigint, title varchar);
CREATE TABLE comments (id bigserial PRIMARY KEY, commentable_type varchar, commentable_id bigint, user_id bigint, body text);
CREATE TABLE replies (id bigserial PRIMARY KEY, post_id bigint, parent_id bigint, body text);
CREATE TABLE likes (id bigserial PRIMARY KEY, post_id bigint, user_id bigint);
CREATE TABLE groups (id bigserial PRIMARY KEY, name varchar);
CREATE TABLE memberships (id bigserial PRIMARY KEY, group_id bigint, user_id bigint, role varchar);
CREATE INDEX ON comments (commentable_type, commentable_id);
CREATE INDEX ON replies (parent_id);
CREATE INDEX ON likes (post_id);
CREATE INDEX ON memberships (user_id);
INSERT INTO users (name, email) SELECT 'user ' || n, 'u' || n || '@example.org' FROM generate_series(1, 150) n;
INSERT INTO boards (title) SELECT 'board ' || n FROM generate_series(1, 10) n;
INSERT INTO posts (board_id, author_id, title) SELECT n % 10 + 1, n % 150 + 1, 'post ' || n FROM generate_series(1, 600) n;
INSERT INTO events (host_id, title) SELECT n % 150 + 1, 'event ' || n FROM generate_series(1, 80) n;
INSERT INTO comments (commentable_type, commentable_id, user_id, body)
    SELECT CASE WHEN n % 3 = 0 THEN 'Event' ELSE 'Post' END, n % 80 + 1, n % 150 + 1, 'text' FROM generate_series(1, 900) n;
INSERT INTO replies (post_id, parent_id, body) SELECT n % 600 + 1, CASE WHEN n > 40 THEN n / 4 END, 'text' FROM generate_series(1, 400) n;
INSERT INTO likes (post_id, user_id) SELECT n % 600 + 1, n % 150 + 1 FROM generate_series(1, 2000) n;
INSERT INTO groups (name) SELECT 'group ' || n FROM generate_series(1, 20) n;
INSERT INTO memberships (group_id, user_id, role) SELECT n % 20 + 1, n % 150 + 1, 'member' FROM generate_series(1, 500) n;
ANALYZE;
