-- The yardstick of ./bench: tables, indexes and functions of the original specification, word for word.

CREATE TABLE events (
    event_id BYTEA PRIMARY KEY,
    pubkey BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    tags JSONB NOT NULL,
    content TEXT NOT NULL,
    sig BYTEA NOT NULL,
    inserted_at BIGINT NOT NULL
);

CREATE INDEX idx_events_pubkey ON events (pubkey);
CREATE INDEX idx_events_created_at ON events (created_at);
CREATE INDEX idx_events_kind ON events (kind);

CREATE TABLE relays (
    url TEXT PRIMARY KEY,
    network TEXT NOT NULL CHECK (network IN ('clearnet', 'tor')),
    inserted_at BIGINT NOT NULL,
    last_seen BIGINT,
    status TEXT
);

CREATE TABLE event_relay (
    event_id BYTEA NOT NULL REFERENCES events(event_id) ON DELETE CASCADE,
    relay_url TEXT NOT NULL REFERENCES relays(url) ON DELETE CASCADE,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (event_id, relay_url)
);

CREATE INDEX idx_event_relay_relay_url ON event_relay (relay_url);

CREATE TABLE relay_metadata (
    relay_url TEXT NOT NULL REFERENCES relays(url) ON DELETE CASCADE,
    relay_network TEXT NOT NULL,
    relay_inserted_at BIGINT NOT NULL,
    generated_at BIGINT NOT NULL,

    -- NIP-66 fields
    nip66_present BOOLEAN NOT NULL DEFAULT FALSE,
    nip66_openable BOOLEAN,
    nip66_readable BOOLEAN,
    nip66_writable BOOLEAN,
    nip66_rtt_open INTEGER,
    nip66_rtt_read INTEGER,
    nip66_rtt_write INTEGER,

    -- NIP-11 fields
    nip11_present BOOLEAN NOT NULL DEFAULT FALSE,
    nip11_name TEXT,
    nip11_description TEXT,
    nip11_pubkey TEXT,
    nip11_contact TEXT,
    nip11_supported_nips JSONB,
    nip11_software TEXT,
    nip11_version TEXT,
    -- ... additional NIP-11 fields

    PRIMARY KEY (relay_url, relay_network, relay_inserted_at, generated_at)
);

CREATE OR REPLACE FUNCTION insert_event(
    p_event_id BYTEA,
    p_pubkey BYTEA,
    p_created_at BIGINT,
    p_kind INTEGER,
    p_tags JSONB,
    p_content TEXT,
    p_sig BYTEA,
    p_relay_url TEXT,
    p_relay_network TEXT,
    p_relay_inserted_at BIGINT,
    p_seen_at BIGINT
) RETURNS VOID AS $$
BEGIN
    -- Insert event (on conflict do nothing)
    INSERT INTO events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
    VALUES (p_event_id, p_pubkey, p_created_at, p_kind, p_tags, p_content, p_sig, p_seen_at)
    ON CONFLICT (event_id) DO NOTHING;

    -- Insert relay (on conflict update last_seen)
    INSERT INTO relays (url, network, inserted_at, last_seen)
    VALUES (p_relay_url, p_relay_network, p_relay_inserted_at, p_seen_at)
    ON CONFLICT (url) DO UPDATE SET last_seen = p_seen_at;

    -- Insert event-relay association
    INSERT INTO event_relay (event_id, relay_url, seen_at)
    VALUES (p_event_id, p_relay_url, p_seen_at)
    ON CONFLICT (event_id, relay_url) DO NOTHING;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE FUNCTION delete_orphan_events() RETURNS INTEGER AS $$
DECLARE
    deleted_count INTEGER;
BEGIN
    DELETE FROM events
    WHERE event_id NOT IN (SELECT DISTINCT event_id FROM event_relay);

    GET DIAGNOSTICS deleted_count = ROW_COUNT;
    RETURN deleted_count;
END;
$$ LANGUAGE plpgsql;
