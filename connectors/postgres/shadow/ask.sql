-- What the advisor asks of a shadow database. Run once as its superuser.

-- Whoever loads a schema and plans statements may do no more than own this database: both come from files.
CREATE ROLE advisor LOGIN;
GRANT ALL ON DATABASE shadow TO advisor;
ALTER DATABASE shadow OWNER TO advisor;
ALTER SCHEMA public OWNER TO advisor;

CREATE SCHEMA advisor_shadow;
GRANT USAGE ON SCHEMA advisor_shadow TO advisor;

-- Make indexes visible or invisible to the planner, within the caller's transaction.
CREATE FUNCTION advisor_shadow.flip(shown oid[], hidden oid[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE pg_index SET indisvalid = indexrelid = ANY (shown) WHERE indexrelid = ANY (shown || hidden);
END
$$;

-- EXPLAIN a statement whatever its parameters are: by GENERIC_PLAN, which 16 is the first to have, or as a prepared
-- statement (plan_cache_mode is force_generic_plan), which is the same plan.
CREATE FUNCTION advisor_shadow.explain(statement text, options text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    plan text;
    whole text;
    parameters int;
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        EXECUTE 'EXPLAIN (GENERIC_PLAN, ' || options || ') ' || statement INTO plan;
        RETURN plan;
    END IF;
    SELECT coalesce(max(mark[1]::int), 0) INTO parameters FROM regexp_matches(statement, '\$(\d+)', 'g') mark;
    plan := advisor_shadow.explain_prepared(statement, options, parameters);
    IF plan ~ '"Subplans Removed": [1-9]' THEN
        -- NULL for a partition's key prunes when the plan starts, and hides what it does there. Pruned by constants too,
        -- the whole is dearer and not the same plan.
        PERFORM set_config('enable_partition_pruning', 'off', true);
        whole := advisor_shadow.explain_prepared(statement, options, parameters);
        PERFORM set_config('enable_partition_pruning', 'on', true);
        IF (whole::jsonb #>> '{0,Plan,Total Cost}')::float8 <= 1.01 * (plan::jsonb #>> '{0,Plan,Total Cost}')::float8 THEN
            RETURN whole;
        END IF;
    END IF;
    RETURN plan;
END
$$;

-- The generic plan of a prepared statement, its parameters all NULL.
CREATE FUNCTION advisor_shadow.explain_prepared(statement text, options text, parameters int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    plan text;
BEGIN
    IF EXISTS (SELECT 1 FROM pg_prepared_statements WHERE name = 'advisor_asked') THEN
        DEALLOCATE advisor_asked; -- the last one failed
    END IF;
    EXECUTE 'PREPARE advisor_asked AS ' || statement;
    EXECUTE 'EXPLAIN (' || options || ') EXECUTE advisor_asked' || CASE WHEN parameters > 0
        THEN '(' || rtrim(repeat('NULL,', parameters), ',') || ')' ELSE '' END INTO plan;
    DEALLOCATE advisor_asked;
    RETURN plan;
END
$$;

-- Plan statements under one set of visible indexes each time. ``questions``: [{"shown": [oid], "hidden": [oid],
-- "texts": [statement]}]. One row a statement, in order: its plan as JSON, or why there is none. What the
-- statement reads is among ``relations`` when ``locks`` is set.
CREATE FUNCTION advisor_shadow.ask(questions jsonb, options text, locks boolean)
RETURNS TABLE (plan text, failure text, relations oid[])
LANGUAGE plpgsql AS $$
DECLARE
    question jsonb;
    statement text;
    plans text[];
    failures text[];
    seen text[];
BEGIN
    FOR question IN SELECT * FROM jsonb_array_elements(questions) LOOP
        plans := '{}';
        failures := '{}';
        seen := '{}';
        BEGIN
            IF question -> 'shown' <> '[]' OR question -> 'hidden' <> '[]' THEN
                PERFORM advisor_shadow.flip(
                    ARRAY(SELECT value::oid FROM jsonb_array_elements_text(question -> 'shown')),
                    ARRAY(SELECT value::oid FROM jsonb_array_elements_text(question -> 'hidden')));
            END IF;
            FOR statement IN SELECT * FROM jsonb_array_elements_text(question -> 'texts') LOOP
                BEGIN
                    plan := advisor_shadow.explain(statement, options);
                    plans := plans || plan;
                    failures := failures || NULL::text;
                EXCEPTION WHEN OTHERS THEN
                    plans := plans || NULL::text;
                    failures := failures || SQLERRM::text;
                END;
                seen := seen || CASE WHEN locks THEN (
                    SELECT string_agg(DISTINCT relation::text, ' ') FROM pg_locks
                    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation >= 16384) END;
            END LOOP;
            RAISE EXCEPTION USING ERRCODE = 'AD000';
        EXCEPTION WHEN SQLSTATE 'AD000' THEN
            NULL; -- the indexes are as before; the variables keep the answers
        END;
        RETURN QUERY SELECT p, f, string_to_array(s, ' ')::oid[]
            FROM ROWS FROM (unnest(plans), unnest(failures), unnest(seen)) AS answer (p, f, s);
    END LOOP;
END
$$;
