-- A column of a view without a comment takes the comment of the table's column of the same name.
DO $comments$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT DISTINCT ON (v.attrelid, v.attnum) v.attrelid::regclass AS view, v.attname AS name,
		       col_description(t.attrelid, t.attnum) AS comment
		FROM pg_rewrite AS r
		     JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
		     JOIN pg_attribute AS t ON t.attrelid = d.refobjid AND t.attnum = d.refobjsubid
		     JOIN pg_attribute AS v ON v.attrelid = r.ev_class AND v.attname = t.attname AND v.attrelid <> t.attrelid
		     JOIN pg_class AS c ON c.oid = v.attrelid
		WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)
		      AND col_description(t.attrelid, t.attnum) IS NOT NULL AND col_description(v.attrelid, v.attnum) IS NULL
		ORDER BY v.attrelid, v.attnum, t.attrelid
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', item.view, item.name, item.comment);
	END LOOP;
END
$comments$;
