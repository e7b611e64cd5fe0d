-- One file's operations. In braces: the facts by name, the lines that they are read from, and which of those are kept.
-- Each level names what the next one judges by. Of two ways to find the same thing in a text the one that looks for a
-- rare first character is several times as fast.
SELECT
    * EXCLUDE (command, originating, first_key, id, shape_hash, session, connection, truncated, facts_missing, ended)
        REPLACE (coalesce(shape_hash, query_hash) AS query_hash),
    TRY_CAST(ended AS TIMESTAMPTZ) AS ended,
    coalesce(originating, command) AS asked,
    CASE WHEN originating IS NULL THEN session ELSE split_part(originating, 'lsid":{"id":{"$', 2) END AS tail,
    split_part(coalesce(originating, command), 'lsid":{"id":{"$', 1) AS head,
    CASE
        WHEN q THEN kind_of
        WHEN first_key = 'getMore' THEN regexp_extract(originating, '^\{"(\w+)"', 1)
        ELSE first_key
    END AS operation,
    first_key = 'getMore' AS more,
    first_key IN ('update', 'delete') AS envelope,
    CASE
        WHEN starts_with(session, 'uuid":"') THEN replace(substr(session, 8, 36), '-', '')
        WHEN starts_with(session, 'binary":{"base64":"')
            THEN lower(hex(TRY(from_base64(split_part(substr(session, 20, 60), '"', 1)))))
    END AS lsid,
    CASE WHEN contains(session, 'autocommit":false')
        THEN regexp_extract(command, '"txnNumber":(?:\{"\$numberLong":")?(\d+)', 1) END AS transaction_number,
    CASE WHEN kind = 'log' THEN source || '/' || connection ELSE source || '/' || remote || '/' || coalesce(application, '')
    END AS channel,
    CASE
        WHEN facts_missing THEN 'lines that are no JSON'
        WHEN id <> '51803' AND kind = 'log' THEN 'other log messages'
        WHEN ns IS NULL OR ns = '' OR command IS NULL OR command = '' THEN 'slow lines without namespace or command'
        WHEN application = 'query-advisor' OR comment = 'query-advisor' THEN 'the advisor''s own'
        WHEN starts_with(ns, 'admin.') OR starts_with(ns, 'config.') OR starts_with(ns, 'local.')
            OR application = 'OplogFetcher' THEN 'internal databases and replication (admin, config, local)'
        WHEN contains(ns, '.system.buckets.') THEN 'time-series buckets, which take no advice of this kind'
        WHEN contains(ns, '.system.') THEN 'system collections'
        WHEN truncated IS NOT NULL THEN 'cut lines, whose command is not whole'
        WHEN q AND kind_of IN ('update', 'remove') THEN NULL
        WHEN first_key IN ('update', 'delete') OR (first_key IN ('bulkWrite', 'q') AND ends_with(ns, '.$cmd'))
            THEN 'write commands, whose statements have lines of their own'
        WHEN first_key = 'getMore' THEN
            CASE WHEN originating IS NULL OR originating = '{}' THEN 'getMore without its originating command' END
        WHEN first_key = 'aggregate' AND regexp_matches(command,
            '"(\$collStats|\$indexStats|\$currentOp|\$listSessions|\$planCacheStats|\$queryStats|\$changeStream)":')
            THEN 'server and monitoring commands'
        WHEN first_key IN ('find', 'aggregate', 'count', 'distinct', 'findAndModify', 'findandmodify', 'insert') THEN NULL
        ELSE 'server and monitoring commands'
    END AS reason
FROM (
    SELECT *, regexp_extract(command, '^\{"(\$?\w+)"', 1) AS first_key, starts_with(command, '{"q"') AS q,
        split_part(command, 'lsid":{"id":{"$', 2) AS session,
        CASE WHEN contains(command, 'comment":') THEN json_extract_string(command, '$.comment') END AS comment
    FROM (SELECT {facts}, $source AS source, $kind AS kind FROM {read})
    WHERE {wanted}
)
