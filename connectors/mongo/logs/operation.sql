-- One file's operations. In braces: its lines, which of them are looked into, their structure, the facts by name.
-- The innermost query takes a line apart once; what it found is judged and named on the way out. Of two ways to find the
-- same thing in a text the one that looks for a rare first character is several times as fast.
SELECT
    * EXCLUDE (command, originating, first_key, id, shape_hash, session)
        REPLACE (coalesce(shape_hash, query_hash) AS query_hash),
    coalesce(originating, command) AS asked,
    CASE
        WHEN q THEN kind_of
        WHEN first_key = 'getMore' THEN regexp_extract(originating, '^\{"(\w+)"', 1)
        ELSE first_key
    END AS operation,
    CASE WHEN contains(asked, 'limit":') THEN
        CASE WHEN NOT q AND NOT contains(asked, '"$lookup"')
            THEN TRY_CAST(regexp_extract(split_part(asked, 'limit":', 2), '\d+') AS BIGINT) END
    END AS limit_asked,
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
    FROM (
        SELECT {facts}, facts IS NULL AS facts_missing, $source AS source, $kind AS kind
        FROM (SELECT TRY(json_transform(line, '{structure}')) AS facts FROM {read} WHERE {wanted})
    )
)
