-- What the original way needs to answer tag filters: a generated column with the first values of all
-- one-letter tags, and a GIN index on it.

CREATE FUNCTION tags_to_tagvalues(tags jsonb) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT array_agg(tag ->> 1) FROM jsonb_array_elements(tags) AS tag WHERE length(tag ->> 0) = 1 $$;
ALTER TABLE events ADD COLUMN tagvalues text[] GENERATED ALWAYS AS (tags_to_tagvalues(tags)) STORED;
CREATE INDEX idx_events_tagvalues ON events USING gin (tagvalues);
