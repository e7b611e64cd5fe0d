-- What the files are taken apart into.
CREATE TEMP TABLE operation (
    source VARCHAR, kind VARCHAR, line BIGINT,
    ended VARCHAR, plain_ended VARCHAR, operation VARCHAR, ns VARCHAR, application VARCHAR, command VARCHAR,
    originating VARCHAR, plan_summary VARCHAR, has_sort VARCHAR, used_disk VARCHAR, shape_hash VARCHAR,
    query_hash VARCHAR, cursor VARCHAR, remote VARCHAR, user_name VARCHAR, error VARCHAR, connection VARCHAR,
    truncated VARCHAR, replanned VARCHAR,
    ms BIGINT, keys BIGINT, documents BIGINT, returned BIGINT, bytes BIGINT, inserted BIGINT, matched BIGINT,
    deleted BIGINT, locked BIGINT, yields BIGINT, tickets BIGINT
);
CREATE TEMP TABLE counted (total BIGINT, others BIGINT, damaged BIGINT);
CREATE TEMP TABLE build (version VARCHAR);
CREATE TEMP TABLE excluded (reason VARCHAR, lines BIGINT);
