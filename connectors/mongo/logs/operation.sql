-- One file's operations. In braces: the facts by name, the lines that they are read from and which of those are kept, and
-- the command written out. Each level names what the next one judges by. Of two ways to find the same thing in a text the
-- one that looks for a rare first character is several times as fast.
SELECT
    * EXCLUDE (command, originating, id, shape_hash, connection, truncated, facts_missing, bulk, ended, reason)
        REPLACE (coalesce(shape_hash, query_hash) AS query_hash),
    -- In canonical extended JSON a date is milliseconds.
    coalesce(TRY_CAST(ended AS TIMESTAMPTZ), to_timestamp(TRY_CAST(regexp_extract(ended, '"(-?\d+)"', 1) AS BIGINT) / 1000))
        AS ended,
    CASE
        WHEN command.lsid.id."$uuid" IS NOT NULL THEN replace(command.lsid.id."$uuid", '-', '')
        WHEN command.lsid.id."$binary".base64 IS NOT NULL
            THEN lower(hex(TRY(from_base64(command.lsid.id."$binary".base64))))
    END AS lsid,
    CASE WHEN command.autocommit = 'false' THEN regexp_extract(command."txnNumber", '\d+') END AS transaction_number,
    CASE WHEN kind = 'log' THEN source || '/' || connection ELSE source || '/' || remote || '/' || coalesce(application, '')
    END AS channel,
    reason,
    CASE WHEN reason IS NULL THEN {asked} END AS plain,
    hash(coalesce(originating.hint, command.hint), coalesce(originating.collation, command.collation)) AS insists
FROM (
    SELECT *,
        CASE
            WHEN facts_missing THEN 'lines that are no JSON'
            WHEN id <> '51803' AND kind = 'log' THEN 'other log messages'
            WHEN ns IS NULL OR ns = '' OR command IS NULL THEN 'slow lines without namespace or command'
            WHEN application = 'query-advisor' OR comment = 'query-advisor' THEN 'the advisor''s own'
            WHEN command."bulkWrite" IS NOT NULL THEN 'write commands, whose statements have lines of their own'
            WHEN starts_with(ns, 'admin.') OR starts_with(ns, 'config.') OR starts_with(ns, 'local.')
                OR application = 'OplogFetcher' THEN 'internal databases and replication (admin, config, local)'
            WHEN contains(ns, '.system.buckets.') THEN 'time-series buckets, which take no advice of this kind'
            WHEN contains(ns, '.system.') THEN 'system collections'
            WHEN truncated IS NOT NULL THEN 'cut lines, whose command is not whole'
            WHEN q AND operation IN ('update', 'remove', 'insert') THEN NULL
            WHEN envelope OR (q AND ends_with(ns, '.$cmd'))
                THEN 'write commands, whose statements have lines of their own'
            WHEN more AND originating IS NULL THEN 'getMore without its originating command'
            WHEN operation IS NULL THEN 'server and monitoring commands'
            WHEN operation = 'aggregate' AND regexp_matches(coalesce(originating.pipeline, command.pipeline),
                '"(\$collStats|\$indexStats|\$currentOp|\$listSessions|\$planCacheStats|\$queryStats|\$changeStream)":')
                THEN 'server and monitoring commands'
        END AS reason
    FROM (
        SELECT *,
            -- A statement of a bulkWrite (8.0) names its namespace by its place among the command's.
            coalesce(kind_of = 'bulkWrite', false) AND command."bulkWrite" IS NULL AS bulk,
            command.q IS NOT NULL OR bulk AS q,
            command."getMore" IS NOT NULL AS more,
            CASE
                WHEN command.q IS NOT NULL THEN kind_of
                WHEN bulk THEN CASE WHEN command."update" IS NOT NULL THEN 'update'
                    WHEN command."delete" IS NOT NULL THEN 'remove' WHEN command.insert IS NOT NULL THEN 'insert' END
                WHEN coalesce(originating.find, command.find) IS NOT NULL THEN 'find'
                WHEN coalesce(originating.aggregate, command.aggregate) IS NOT NULL THEN 'aggregate'
                -- An old shell writes findandmodify: its update is no collection's name.
                WHEN command."findAndModify" IS NOT NULL OR command.remove = 'true'
                    OR NOT starts_with(command."update", '"') THEN 'findAndModify'
                WHEN command."update" IS NOT NULL THEN 'update'
                WHEN command."delete" IS NOT NULL THEN 'delete'
                WHEN command.insert IS NOT NULL THEN 'insert'
                WHEN command."distinct" IS NOT NULL THEN 'distinct'
                WHEN command.count IS NOT NULL THEN 'count'
            END AS operation,
            command."bulkWrite" IS NOT NULL OR coalesce(operation IN ('update', 'delete') AND NOT q, false) AS envelope,
            command.comment AS comment
        FROM (SELECT {facts}, $source AS source, $kind AS kind FROM {read})
        WHERE {wanted}
    )
)
