-- One file's operations. In braces: its lines, which of them are looked into, the JSON paths, the facts by name.
-- The innermost query takes a line apart once; what it found is judged and named on the way out.
SELECT
    * EXCLUDE (command, originating, first_key, lsid_uuid, lsid_binary, autocommit, id),
    coalesce(originating, command) AS asked,
    CASE WHEN q THEN kind_of WHEN first_key = 'getMore' THEN regexp_extract(originating, '^\{"(\w+)"', 1) ELSE first_key END
        AS operation,
    CASE WHEN NOT q AND contains(asked, 'limit":') AND NOT contains(asked, '"$lookup"')
        THEN TRY_CAST(nullif(regexp_extract(asked, '"\$?limit":(?:\{"\$number\w+":"?)?(\d+)', 1), '') AS BIGINT) END
        AS limit_asked,
    first_key = 'getMore' AS more,
    first_key IN ('update', 'delete') AS envelope,
    CASE
        WHEN lsid_uuid IS NOT NULL THEN replace(lsid_uuid, '-', '')
        WHEN lsid_binary IS NOT NULL THEN lower(hex(TRY(from_base64(lsid_binary))))
    END AS lsid,
    CASE WHEN autocommit = 'false' THEN regexp_extract(command, '"txnNumber":(?:\{"\$numberLong":")?(\d+)', 1) END
        AS transaction_number,
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
    SELECT *, regexp_extract(command, '^\{"(\$?\w+)"', 1) AS first_key, starts_with(command, '{"q"') AS q
    FROM (
        SELECT {facts}, facts IS NULL AS facts_missing, $source AS source, $kind AS kind
        FROM (SELECT TRY(json_extract_string(line, {paths})) AS facts FROM {read} WHERE {wanted})
    )
)
