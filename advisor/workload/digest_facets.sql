-- Who issued each shape: routes, places in the code, users, applications. Reads: event.
WITH facet AS (
    SELECT
        fingerprint,
        coalesce(
            tags['route'],
            CASE WHEN tags['controller'] IS NOT NULL AND tags['action'] IS NOT NULL
                THEN tags['controller'] || '#' || tags['action'] END,
            tags['controller']
        ) AS route,
        tags['code_filepath'] AS file,
        tags['code_lineno'] AS line,
        tags['code_function'] AS function_name,
        "user" AS user_name,
        coalesce(application, tags['application']) AS application
    FROM event
    WHERE fingerprint IS NOT NULL
),
grouped AS (
    SELECT
        fingerprint,
        route,
        file,
        line,
        function_name,
        user_name,
        application,
        grouping(route) AS without_route,
        grouping(file) AS without_file,
        grouping(user_name) AS without_user,
        count(*) AS calls
    FROM facet
    GROUP BY GROUPING SETS (
        (fingerprint, route),
        (fingerprint, file, line, function_name),
        (fingerprint, user_name),
        (fingerprint, application)
    )
)
SELECT
    fingerprint,
    CASE
        WHEN without_route = 0 THEN 'route'
        WHEN without_file = 0 THEN 'call_site'
        WHEN without_user = 0 THEN 'user'
        ELSE 'application'
    END AS facet,
    coalesce(route, file, user_name, application) AS name,
    line,
    function_name,
    calls
FROM grouped
WHERE coalesce(route, file, user_name, application) IS NOT NULL
ORDER BY fingerprint, facet, calls DESC, name, line, function_name
