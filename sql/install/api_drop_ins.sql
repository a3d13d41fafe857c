-- Lists of relays in the form of version 1 of nostr.watch, which many clients read.

-- A client that receives an empty list deletes its own list. So an archive that has not visited relays answers with an error.
CREATE FUNCTION _bigbrotr.api_measured() RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM _bigbrotr.relay_visits AS v WHERE v.checked_at IS NOT NULL) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'no relay was visited yet', DETAIL = 'The monitor of this archive has not run.', HINT = 'Try again in an hour.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_measured() IS 'Raises an error (55000) if the monitor has never visited a relay';

CREATE FUNCTION _bigbrotr.api_plain_urls(network text, statuses text[], paid boolean, nip integer) RETURNS TABLE (item json)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
#variable_conflict use_column
BEGIN
	PERFORM _bigbrotr.api_measured();
	network := coalesce(_bigbrotr.api_word(network, 'network', '{all,clearnet,tor,i2p,loki}'), 'clearnet');
	RETURN QUERY
		SELECT to_json(regexp_replace(r.url, '^([a-z]+://[^/]+)/$', '\1'))
		FROM bigbrotr.relays AS r
		     LEFT JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
		     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
		WHERE r.status = ANY (statuses) AND r.network <> 'local' AND ($1 = 'all' OR r.network = $1)
		      AND (paid IS NULL OR paid = coalesce(d.document -> 'limitation' -> 'payment_required' = 'true', false))
		      AND (nip IS NULL OR d.supported_nips @> to_jsonb(nip))
		ORDER BY r.url;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_plain_urls(text, text[], boolean, integer) IS
	'URLs of relays without a trailing slash. network null: clearnet, or all; statuses: values of bigbrotr.relays.status; paid null: all, else whether the document (NIP-11) demands a payment; nip null: all, else only relays whose document lists this NIP';

CREATE FUNCTION _bigbrotr.api_v1_online(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{online,unstable}', NULL, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_online(text) IS 'Relays that answer (online or unstable), in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v1_offline(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{offline,dead}', NULL, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_offline(text) IS 'Relays that do not answer (offline or dead), in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v1_public(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{online,unstable}', false, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_public(text) IS 'Relays that answer and whose documents (NIP-11) demand no payment, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v1_paid(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{online,unstable}', true, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_paid(text) IS 'Relays that answer and whose documents (NIP-11) demand a payment, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v1_nip(nip integer, network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($2, '{online,unstable}', NULL, $1) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_nip(integer, text) IS 'Relays that answer and whose documents (NIP-11) list a NIP, in the format of nostr.watch';
