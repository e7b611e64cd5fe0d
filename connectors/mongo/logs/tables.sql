-- What the files are taken apart into: operations in the order of their lines, the first of each question with
-- what it asked, which holds values, and what was counted.
CREATE TEMP TABLE taken (
    source VARCHAR, kind VARCHAR, ended TIMESTAMPTZ, reason VARCHAR, build VARCHAR,
    operation VARCHAR, kind_of VARCHAR, ns VARCHAR, q BOOLEAN, more BOOLEAN, envelope BOOLEAN, question UBIGINT,
    given VARCHAR, keyed VARCHAR, limit_asked BIGINT,
    application VARCHAR, remote VARCHAR, channel VARCHAR, lsid VARCHAR, transaction_number VARCHAR, comment VARCHAR,
    plan_summary VARCHAR, has_sort VARCHAR, used_disk VARCHAR, query_hash VARCHAR, error VARCHAR,
    cursor VARCHAR, exhausted VARCHAR,
    ms BIGINT, keys BIGINT, documents BIGINT, returned BIGINT, bytes BIGINT, inserted BIGINT, keys_written BIGINT,
    matched BIGINT, deleted BIGINT, locked BIGINT, yields BIGINT, tickets BIGINT
);
CREATE TEMP TABLE example (
    position BIGINT, question UBIGINT, operation VARCHAR, ns VARCHAR, q BOOLEAN, asked VARCHAR
);
CREATE TEMP TABLE counted (lines BIGINT);
CREATE TEMP TABLE excluded (reason VARCHAR, lines BIGINT);
