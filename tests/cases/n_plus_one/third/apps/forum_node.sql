-- UUID keys, camelCase, an implicit link table of Prisma ("A", "B"); only posts declare a foreign key.
CREATE TABLE "Account" (id uuid PRIMARY KEY, handle text NOT NULL UNIQUE, "joinedAt" timestamptz NOT NULL);
CREATE TABLE "Board" (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE "Thread" (
    id uuid PRIMARY KEY, title text NOT NULL, "authorId" uuid NOT NULL, "boardId" uuid NOT NULL, "lastPostId" uuid);
CREATE INDEX ON "Thread" ("boardId");
CREATE TABLE "Post" (
    id uuid PRIMARY KEY, body text NOT NULL, "threadId" uuid NOT NULL REFERENCES "Thread", "authorId" uuid NOT NULL,
    "replyToId" uuid);
CREATE INDEX ON "Post" ("threadId");
CREATE INDEX ON "Post" ("replyToId");
CREATE TABLE "Reaction" (
    "postId" uuid NOT NULL, "accountId" uuid NOT NULL, kind text NOT NULL, PRIMARY KEY ("postId", "accountId"));
CREATE TABLE "Label" (id uuid PRIMARY KEY, word text NOT NULL);
CREATE TABLE "_LabelToThread" (
    "A" uuid NOT NULL REFERENCES "Label", "B" uuid NOT NULL REFERENCES "Thread", PRIMARY KEY ("A", "B"));
CREATE INDEX ON "_LabelToThread" ("B");
CREATE TABLE "Outbox" (id bigserial PRIMARY KEY, payload text NOT NULL, "sentAt" timestamptz);
CREATE FUNCTION key(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('0000000' || kind || '-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO "Account" SELECT key(1, n), 'user' || n, now() FROM generate_series(1, 120) AS n;
INSERT INTO "Board" SELECT key(2, n), 'board ' || n FROM generate_series(1, 12) AS n;
INSERT INTO "Thread" SELECT key(3, n), 'thread ' || n, key(1, n * 7 % 120 + 1), key(2, n % 12 + 1), key(4, n)
FROM generate_series(1, 300) AS n;
INSERT INTO "Post" SELECT key(4, n), 'post ' || n, key(3, n % 300 + 1), key(1, n * 13 % 120 + 1),
    CASE WHEN n > 300 THEN key(4, n - 300) END FROM generate_series(1, 1500) AS n;
INSERT INTO "Reaction" SELECT key(4, n % 1500 + 1), key(1, n / 1500 + 1), 'like' FROM generate_series(1, 4000) AS n;
INSERT INTO "Label" SELECT key(5, n), 'label ' || n FROM generate_series(1, 30) AS n;
INSERT INTO "_LabelToThread" SELECT key(5, n % 30 + 1), key(3, n % 299 + 1) FROM generate_series(1, 900) AS n
ON CONFLICT DO NOTHING;
INSERT INTO "Outbox" (payload) SELECT 'message ' || n FROM generate_series(1, 60) AS n;
ANALYZE;
