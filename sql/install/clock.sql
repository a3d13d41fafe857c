-- The clock of this server was ahead and somebody set it back: what was noted meanwhile lies in the future.

CREATE FUNCTION _bigbrotr.clock_set_back(back bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	far bigint;
BEGIN
	PERFORM _bigbrotr.check_time(at), _bigbrotr.check_time(back);
	far := at + back / 2;
	PERFORM _bigbrotr.trim_coverage(at - _bigbrotr.settling());
	-- Several services say that the clock was set back. What one of them has mended is not far in the future any more.
	UPDATE _bigbrotr.relay_sync AS s
	SET next_attempt = CASE WHEN s.next_attempt > far THEN greatest(s.next_attempt - back, at) ELSE s.next_attempt END,
	    next_audit = CASE WHEN s.next_audit > far THEN greatest(s.next_audit - back, at) ELSE s.next_audit END,
	    -- Which events came in time that was read before it had come is not known.
	    again_at = CASE WHEN at < ANY (s.again_at) THEN '{}' ELSE s.again_at END
	WHERE s.next_attempt > far OR s.next_audit > far OR at < ANY (s.again_at);
	-- A visit that is under way ends its lease itself.
	UPDATE _bigbrotr.relay_visits AS v SET next_visit = greatest(v.next_visit - back, at) WHERE v.owner IS NULL AND v.next_visit > far;
	-- An observation that is older than the last one is ignored.
	UPDATE _bigbrotr.relay_health AS h SET observed_at = least(h.observed_at, at), run_since = least(h.run_since, at)
	WHERE h.observed_at > at OR h.run_since > at;
	DELETE FROM _bigbrotr.relay_outages AS o WHERE o.began >= at AND o.ended IS NOT NULL;
	UPDATE _bigbrotr.relay_outages AS o SET began = least(o.began, at), ended = least(o.ended, at)
	WHERE o.began > at OR o.ended > at;
END
$$;
COMMENT ON FUNCTION _bigbrotr.clock_set_back(bigint, bigint) IS
	'The clock was set back by `back` seconds, to this Unix second (at). Withdraws coverage of time that has not come; a reading, audit or visit that was due some time later is due as much later than now; no observation lies in the future';
