-- Operations with digests of what they ask, with and without the place in its result, and the limit that they ask for. In
-- braces: the key of this capture's digests, and the operations with `plain`.
SELECT
    *,
    plain AS asked,
    left(md5('{key}' || plain), 16) AS given,
    CASE WHEN contains(plain, 'limit":') OR contains(plain, 'skip":')
        THEN left(md5('{key}' || regexp_replace(plain, '"\$?(?:skip|limit)":-?\d+', '', 'g')), 16) END AS keyed,
    CASE WHEN contains(plain, 'limit":') AND NOT q AND NOT contains(plain, '$lookup')
        THEN TRY_CAST(regexp_extract(split_part(plain, 'limit":', 2), '\d+') AS BIGINT) END AS limit_asked
FROM ({operations})
