-- Corrections after the clock of this server was ahead and somebody set it back: times that were stored meanwhile lie in the
-- future. Each service corrects the times that it schedules.

CREATE FUNCTION _bigbrotr.sync_clock_set_back(worker text, back bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	far bigint;
	mine boolean; -- true: this worker reads the priority relays
BEGIN
	PERFORM _bigbrotr.check_time(at), _bigbrotr.check_time(back);
	far := at + back / 2;
	-- These locks keep other sessions from changing coverage meanwhile, as in bigbrotr.read_again.
	PERFORM FROM _bigbrotr.sync_workers AS w ORDER BY w.owner FOR UPDATE;
	PERFORM FROM _bigbrotr.relay_sync AS s ORDER BY s.relay_id FOR NO KEY UPDATE;
	SELECT w.priority INTO mine FROM _bigbrotr.sync_workers AS w WHERE w.owner = worker;
	PERFORM _bigbrotr.trim_coverage(at - _bigbrotr.settling());
	UPDATE _bigbrotr.relay_sync AS s
	SET next_attempt = CASE WHEN s.next_attempt > far THEN greatest(s.next_attempt - back, at) ELSE s.next_attempt END,
	    next_audit = CASE WHEN s.next_audit > far THEN greatest(s.next_audit - back, at) ELSE s.next_audit END,
	    -- A reading while the clock was ahead covered seconds that had not come yet, and missed their events: read every depth again.
	    again_at = CASE WHEN at < ANY (s.again_at) THEN '{}' ELSE s.again_at END
	WHERE (s.next_attempt > far OR s.next_audit > far OR at < ANY (s.again_at))
	      AND mine = EXISTS (SELECT FROM _bigbrotr.relay_priorities AS p WHERE p.relay_id = s.relay_id);
	UPDATE _bigbrotr.sync_workers AS w SET expires = greatest(w.expires - back, at) WHERE w.expires > far;
	PERFORM _bigbrotr.observed_by(at);
END
$$;
COMMENT ON FUNCTION _bigbrotr.sync_clock_set_back(text, bigint, bigint) IS
	'Call after the clock was set back by `back` seconds, to this Unix second (at). Withdraws coverage of time that has not come. Readings and audits of the relays of this worker''s service, and leases of all workers, that lie more than half of `back` seconds in the future are moved back by `back` seconds, but not before "at"';

CREATE FUNCTION _bigbrotr.visits_clock_set_back(back bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	far bigint;
BEGIN
	PERFORM _bigbrotr.check_time(at), _bigbrotr.check_time(back);
	far := at + back / 2;
	UPDATE _bigbrotr.relay_visits AS v SET next_visit = greatest(v.next_visit - back, at) WHERE v.next_visit > far;
	PERFORM _bigbrotr.observed_by(at);
END
$$;
COMMENT ON FUNCTION _bigbrotr.visits_clock_set_back(bigint, bigint) IS
	'Call after the clock was set back by `back` seconds, to this Unix second (at). Visits, and leases of visits, that lie more than half of `back` seconds in the future are moved back by `back` seconds, but not before "at"';

CREATE FUNCTION _bigbrotr.observed_by(at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_time(at);
	-- _bigbrotr.observe_relay ignores an observation that is older than the last one: a last observation in the future would
	-- make it ignore all new ones.
	UPDATE _bigbrotr.relay_health AS h SET observed_at = least(h.observed_at, at), run_since = least(h.run_since, at)
	WHERE h.observed_at > at OR h.run_since > at;
	DELETE FROM _bigbrotr.relay_outages AS o WHERE o.began >= at AND o.ended IS NOT NULL;
	UPDATE _bigbrotr.relay_outages AS o SET began = least(o.began, at), ended = least(o.ended, at)
	WHERE o.began > at OR o.ended > at;
END
$$;
COMMENT ON FUNCTION _bigbrotr.observed_by(bigint) IS
	'Corrects what was observed while the clock was ahead: moves times of observations and of outages that lie after this Unix second to it, and deletes outages that began at it or later and have ended';
