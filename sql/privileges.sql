-- Who may do what.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never

SELECT r.rolname, r.rolcanlogin, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS powers,
       ARRAY(SELECT m.roleid::regrole::text FROM pg_auth_members AS m WHERE m.member = r.oid ORDER BY 1) AS member_of
FROM pg_roles AS r
WHERE r.rolname IN ('bigbrotr_reader', 'bigbrotr_writer', 'bigbrotr_admin', 'bigbrotr_worker')
ORDER BY 1;

-- Nobody has anything by being nobody.
SELECT c.oid::regclass FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND a.grantee = 0;
SELECT p.oid::regprocedure FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
WHERE p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND a.grantee = 0;
SELECT a.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
WHERE n.nspname IN ('bigbrotr', '_bigbrotr') AND a.grantee = 0;

-- The reader reads everything but the keys of the API; beyond that, this is all that is granted on tables.
SELECT c.oid::regclass AS unreadable FROM pg_class AS c
WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind IN ('r', 'v', 'S')
      AND NOT has_table_privilege('bigbrotr_reader', c.oid, 'SELECT') ORDER BY c.relname;
SELECT a.grantee::regrole::text AS role, c.relname, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS may
FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'
GROUP BY 1, 2 ORDER BY 1, 2;

-- Every role does its work and nothing else.
SET ROLE bigbrotr_reader;
SELECT count(*) FROM bigbrotr.event_relay;
SELECT count(*) FROM bigbrotr.sync_totals;
SELECT count(*) FROM bigbrotr.coverage_gaps;
SELECT * FROM bigbrotr.verify_references();
SELECT bigbrotr.known_events(ARRAY[sha256('a')]);
SELECT bigbrotr.add_relay('wss://relay.example.com');
INSERT INTO bigbrotr.relays (url, network, inserted_at) VALUES ('wss://relay.example.com', 'clearnet', 0);
SET ROLE bigbrotr_writer;
SELECT bigbrotr.add_relay('wss://relay.example.com') > 0 AS added;
SELECT added, known, refused FROM bigbrotr.load_seeds('list', 'wss://nos.lol');
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[bigbrotr.sign_event(sha256('a'), 1, 'x')::jsonb
	|| '{"relay_url": "wss://relay.example.com", "relay_inserted_at": 1, "seen_at": 2}']);
SELECT bigbrotr.insert_relay_metadata('wss://relay.example.com', NULL, 1, 2);
SELECT import_id, bytes FROM bigbrotr.begin_import('list');
SELECT bigbrotr.import_lines(1, 0, convert_to(bigbrotr.sign_event(sha256('a'), 1, 'y'), 'UTF8'));
SELECT bigbrotr.finish_import(1);
INSERT INTO bigbrotr.events DEFAULT VALUES;
UPDATE _bigbrotr.relay_sync SET enabled = false;
SELECT bigbrotr.disable_relay('wss://relay.example.com');
SELECT _bigbrotr.claim_coverage(1, 0, 0, 0, 9, 'paged', '{}', false, 1, 0, 1000, 1000);
SELECT _bigbrotr.insert_verified_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 1);
CALL bigbrotr.delete_relay('wss://relay.example.com');
DELETE FROM bigbrotr.events;
TRUNCATE bigbrotr.sightings;
CREATE TRIGGER t AFTER INSERT ON bigbrotr.events EXECUTE FUNCTION suppress_redundant_updates_trigger();
UPDATE bigbrotr.events SET content = '';
SET ROLE bigbrotr_worker;
SELECT _bigbrotr.start_synchronizer('worker', 99, 10);
SELECT count(*) FROM _bigbrotr.take_relays('worker', 1, 1, 1, 5000, '{clearnet}', false, 10);
SELECT bigbrotr.delete_events('{}');
SET ROLE bigbrotr_admin;
CALL bigbrotr.delete_relay('wss://relay.example.com');
SELECT bigbrotr.delete_events('{}');
SELECT bigbrotr.drop_tag_index(), bigbrotr.create_tag_index();
SELECT bigbrotr.disable_relay('wss://nos.lol'), bigbrotr.enable_relay('wss://nos.lol');
RESET ROLE;

CREATE ROLE regress_bigbrotr_nobody;
SET ROLE regress_bigbrotr_nobody;
SELECT * FROM bigbrotr.relays;
SELECT bigbrotr.unix_now();
RESET ROLE;
DROP ROLE regress_bigbrotr_nobody;

DROP EXTENSION bigbrotr;
