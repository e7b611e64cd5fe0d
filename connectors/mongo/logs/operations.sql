-- Operations of the application, each once. Reads: operation. Writes: kept, excluded.
CREATE TEMP TABLE named AS
SELECT
    * EXCLUDE (operation, ended, plain_ended),
    coalesce(TRY_CAST(ended AS TIMESTAMPTZ), TRY_CAST(plain_ended AS TIMESTAMPTZ)) AS moment,
    operation AS kind_of,
    regexp_extract(command, '^\{"(\$?\w+)"', 1) AS first_key
FROM operation;

CREATE TEMP TABLE judged AS
SELECT
    *,
    CASE WHEN kind_of IN ('update', 'remove') THEN kind_of ELSE first_key END AS operation,
    CASE
        WHEN ns IS NULL OR ns = '' OR command IS NULL OR command = '' THEN 'slow lines without namespace or command'
        WHEN application = 'query-advisor' THEN 'the advisor''s own'
        WHEN regexp_matches(ns, '^(admin|config|local)\.') OR application = 'OplogFetcher'
            THEN 'internal databases and replication (admin, config, local)'
        WHEN contains(ns, '.system.buckets.') THEN 'time-series buckets, which take no advice of this kind'
        WHEN contains(ns, '.system.') THEN 'system collections'
        WHEN truncated IS NOT NULL THEN 'cut lines, whose command is not whole'
        WHEN kind_of IN ('update', 'remove') AND first_key = 'q' THEN NULL
        WHEN first_key IN ('update', 'delete') OR (ns LIKE '%.$cmd' AND first_key IN ('bulkWrite', 'q'))
            THEN 'write commands, whose statements have lines of their own'
        WHEN first_key = 'getMore' THEN
            CASE WHEN originating IS NULL OR originating = '{}' THEN 'getMore without its originating command' END
        WHEN first_key = 'aggregate'
            AND regexp_matches(command, '"(\$collStats|\$indexStats|\$currentOp|\$listSessions|\$planCacheStats|\$queryStats|\$changeStream)":')
            THEN 'server and monitoring commands'
        WHEN first_key IN ('find', 'aggregate', 'count', 'distinct', 'findAndModify', 'findandmodify', 'insert') THEN NULL
        ELSE 'server and monitoring commands'
    END AS reason,
    CASE WHEN kind = 'log' THEN source || '/' || connection ELSE source || '/' || remote || '/' || coalesce(application, '')
    END AS channel,
    nullif(regexp_extract(command, '"lsid":\{"id":(\{[^}]*\}?[^}]*\})', 1), '') AS lsid_json,
    regexp_extract(command, '"comment":("(?:[^"\\]|\\.)*")', 1) AS comment,
    nullif(regexp_extract(command, '"txnNumber":(?:\{"\$numberLong":")?(\d+)', 1), '') AS transaction_number,
    contains(command, '"autocommit":false') AS in_transaction
FROM named;

INSERT INTO excluded
SELECT reason, count(*) FROM judged WHERE reason IS NOT NULL GROUP BY reason;

CREATE TEMP TABLE told AS
SELECT
    *,
    row_number() OVER () AS position,
    CASE
        WHEN lsid_json IS NULL THEN NULL
        WHEN contains(lsid_json, '$uuid') THEN replace(regexp_extract(lsid_json, '"\$uuid":"([^"]*)"', 1), '-', '')
        ELSE lower(hex(TRY(from_base64(regexp_extract(lsid_json, '"base64":"([^"]*)"', 1)))))
    END AS lsid
FROM judged;

-- The statements of one write command: their locks and flow-control tickets are counted on from
-- statement to statement (a yield takes each once more). The session stands in the
-- command's own line, which follows them in a log; the profiler leaves it out, and the client's operation before tells it.
CREATE TEMP TABLE write_statement AS
WITH write AS (
    SELECT position, source, line, kind, channel, reason, lsid, locked, coalesce(yields, 0) AS yields, tickets, kind_of, reason IS NULL AND first_key = 'q' AS inner_
    FROM told
    WHERE (reason IS NULL AND first_key = 'q') OR (kind = 'log' AND first_key IN ('update', 'delete'))
),
stepped AS (
    SELECT
        *,
        coalesce(lag(inner_) OVER channel AND lag(kind_of) OVER channel = kind_of
            AND lag(locked) OVER channel < locked - yields
            -- A standalone takes no flow-control tickets.
            AND coalesce(lag(tickets) OVER channel < tickets - yields, true), false) AS follows,
        first_value(lsid IGNORE NULLS) OVER (
            PARTITION BY channel ORDER BY position ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_lsid
    FROM write
    WINDOW channel AS (PARTITION BY channel ORDER BY position)
)
SELECT position, channel, kind, next_lsid, inner_,
    sum((NOT follows)::INT) OVER (PARTITION BY channel ORDER BY position) AS batch
FROM stepped;

CREATE TEMP TABLE session_of AS
SELECT w.position, coalesce(CASE WHEN w.kind = 'log' THEN w.next_lsid END, t.lsid) AS lsid
FROM write_statement AS w
ASOF LEFT JOIN (SELECT channel, position, lsid FROM told WHERE lsid IS NOT NULL) AS t
    ON t.channel = w.channel AND t.position < w.position
WHERE w.inner_;

CREATE TEMP TABLE kept AS
SELECT
    t.* EXCLUDE (operation, reason, lsid, lsid_json, kind_of, in_transaction, transaction_number),
    CASE WHEN t.operation = 'getMore' THEN regexp_extract(t.originating, '^\{"(\w+)"', 1) ELSE t.operation END AS operation,
    t.operation = 'getMore' AS more,
    coalesce(t.lsid, s.lsid) AS lsid,
    CASE WHEN t.in_transaction THEN coalesce(t.lsid, t.channel) || '/' || t.transaction_number END AS transaction_id,
    w.batch
FROM told AS t
LEFT JOIN session_of AS s ON s.position = t.position
LEFT JOIN write_statement AS w ON w.position = t.position
WHERE t.reason IS NULL;
