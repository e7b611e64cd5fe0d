-- What PostgreSQL 18 calls pg_restore_relation_stats and pg_restore_attribute_stats, for servers before 18.
-- Arguments: names and values in turn, all as text. Kinds and their order: pg_statistic.h.

CREATE FUNCTION advisor_shadow.pg_restore_relation_stats(VARIADIC arguments text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    given jsonb := jsonb_object(arguments);
BEGIN
    UPDATE pg_class SET relpages = (given ->> 'relpages')::int, reltuples = (given ->> 'reltuples')::real,
        relallvisible = coalesce((given ->> 'relallvisible')::int, 0)
    WHERE oid = format('%I.%I', given ->> 'schemaname', given ->> 'relname')::regclass;
END
$$;

CREATE FUNCTION advisor_shadow.comparison(of_type oid, strategy int) RETURNS oid
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT o.amopopr FROM pg_type t
    JOIN pg_opclass c ON c.opcmethod = 403 AND c.opcdefault AND c.opcintype IN (
        t.oid, CASE WHEN t.typtype = 'e' THEN 'anyenum'::regtype WHEN t.typtype = 'r' THEN 'anyrange'::regtype
            WHEN t.typtype = 'm' THEN to_regtype('anymultirange') WHEN t.typtype = 'c' THEN 'record'::regtype
            WHEN t.typcategory = 'A' THEN 'anyarray'::regtype WHEN t.oid = 'varchar'::regtype THEN 'text'::regtype END)
    JOIN pg_amop o ON o.amopfamily = c.opcfamily AND o.amopstrategy = strategy
        AND (o.amoplefttype, o.amoprighttype) = (c.opcintype, c.opcintype)
    WHERE t.oid = of_type ORDER BY c.opcintype = t.oid DESC LIMIT 1
$$;

CREATE FUNCTION advisor_shadow.pg_restore_attribute_stats(VARIADIC arguments text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    given jsonb := jsonb_object(arguments);
    relation oid := format('%I.%I', given ->> 'schemaname', given ->> 'relname')::regclass;
    attribute record;
    equal oid;
    less oid;
    element_equal oid;
    kinds int[] := '{0,0,0,0,0}';
    operators oid[] := '{0,0,0,0,0}';
    collations oid[] := '{0,0,0,0,0}';
    numbers text[] := array_fill(NULL::text, ARRAY[5]);
    bounds text[] := array_fill(NULL::text, ARRAY[5]);
    types oid[] := array_fill(0::oid, ARRAY[5]);
    slot int := 0;
BEGIN
    SELECT a.attnum, a.atttypmod, a.attcollation, coalesce(nullif(t.typbasetype, 0), t.oid) AS type,
        CASE WHEN t.oid = 'tsvector'::regtype THEN 'text'::regtype::oid ELSE t.typelem END AS element
    INTO STRICT attribute FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = relation AND NOT a.attisdropped
        AND CASE WHEN given ? 'attname' THEN a.attname = given ->> 'attname'
            ELSE a.attnum = (given ->> 'attnum')::int END;
    equal := coalesce(advisor_shadow.comparison(attribute.type, 3), 0);
    less := coalesce(advisor_shadow.comparison(attribute.type, 1), 0);
    element_equal := coalesce(advisor_shadow.comparison(attribute.element, 3), 0);
    IF given ? 'most_common_vals' THEN
        slot := slot + 1;
        kinds[slot] := 1;
        operators[slot] := equal;
        collations[slot] := attribute.attcollation;
        numbers[slot] := given ->> 'most_common_freqs';
        bounds[slot] := given ->> 'most_common_vals';
        types[slot] := attribute.type;
    END IF;
    IF given ? 'histogram_bounds' THEN
        slot := slot + 1;
        kinds[slot] := 2;
        operators[slot] := less;
        collations[slot] := attribute.attcollation;
        bounds[slot] := given ->> 'histogram_bounds';
        types[slot] := attribute.type;
    END IF;
    IF given ? 'correlation' AND less <> 0 THEN
        slot := slot + 1;
        kinds[slot] := 3;
        operators[slot] := less;
        collations[slot] := attribute.attcollation;
        numbers[slot] := '{' || (given ->> 'correlation') || '}';
    END IF;
    IF given ? 'most_common_elems' AND element_equal <> 0 THEN
        slot := slot + 1;
        kinds[slot] := 4;
        operators[slot] := element_equal;
        collations[slot] := 100;
        numbers[slot] := given ->> 'most_common_elem_freqs';
        bounds[slot] := given ->> 'most_common_elems';
        types[slot] := attribute.element;
    END IF;
    IF given ? 'elem_count_histogram' AND element_equal <> 0 AND slot < 5 THEN
        slot := slot + 1;
        kinds[slot] := 5;
        operators[slot] := element_equal;
        collations[slot] := 100;
        numbers[slot] := given ->> 'elem_count_histogram';
    END IF;
    DELETE FROM pg_statistic WHERE (starelid, staattnum, stainherit)
        = (relation, attribute.attnum, (given ->> 'inherited')::boolean);
    INSERT INTO pg_statistic VALUES (relation, attribute.attnum, (given ->> 'inherited')::boolean,
        coalesce((given ->> 'null_frac')::real, 0), coalesce((given ->> 'avg_width')::int, 0),
        coalesce((given ->> 'n_distinct')::real, 0), kinds[1], kinds[2], kinds[3], kinds[4], kinds[5],
        operators[1], operators[2], operators[3], operators[4], operators[5],
        collations[1], collations[2], collations[3], collations[4], collations[5],
        numbers[1]::real[], numbers[2]::real[], numbers[3]::real[], numbers[4]::real[], numbers[5]::real[],
        array_in(bounds[1]::cstring, types[1], -1), array_in(bounds[2]::cstring, types[2], -1),
        array_in(bounds[3]::cstring, types[3], -1), array_in(bounds[4]::cstring, types[4], -1),
        array_in(bounds[5]::cstring, types[5], -1));
END
$$;
