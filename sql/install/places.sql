-- Geography: points in degrees, distances and boxes.

CREATE FUNCTION _bigbrotr.distance_km(latitude double precision, longitude double precision, other_latitude double precision, other_longitude double precision)
	RETURNS double precision
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	-- The haversine formula. For opposite points, rounding errors may make the root slightly larger than 1.
	RETURN CASE WHEN abs(latitude) <= 90 AND abs(other_latitude) <= 90 AND abs(longitude) <= 180 AND abs(other_longitude) <= 180
		THEN 2 * 6371.0088 * asin(least(1, sqrt(power(sind((other_latitude - latitude) / 2), 2)
			+ cosd(latitude) * cosd(other_latitude) * power(sind((other_longitude - longitude) / 2), 2)))) END;
COMMENT ON FUNCTION _bigbrotr.distance_km(double precision, double precision, double precision, double precision) IS
	'Kilometres between two points (degrees) on a sphere of the size of the Earth, within 0.5 % of the true distance; null: a coordinate is out of range';

-- Both ends belong to the box. The longitudes 180 and -180 are the same meridian, and a pole has every longitude.
CREATE FUNCTION _bigbrotr.is_in_box(latitude double precision, longitude double precision, south double precision, west double precision, north double precision, east double precision)
	RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN latitude >= south AND latitude <= north
		AND (abs(latitude) = 90 OR CASE WHEN west <= east THEN longitude >= west AND longitude <= east OR abs(longitude) = 180 AND -longitude >= west AND -longitude <= east
		                                ELSE longitude >= west OR longitude <= east END);
COMMENT ON FUNCTION _bigbrotr.is_in_box(double precision, double precision, double precision, double precision, double precision, double precision) IS
	'Whether a point is in a box (degrees, edges included); a box whose west is greater than its east crosses the meridian of 180 degrees';

CREATE FUNCTION _bigbrotr.geohash_point(hash text, OUT latitude double precision, OUT longitude double precision)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT -90 + sum(b.bit * 180 / 2 ^ (b.place / 2)) FILTER (WHERE b.place % 2 = 0) + 90 / 2 ^ (count(*) / 2),
		       -180 + sum(b.bit * 360 / 2 ^ ((b.place + 1) / 2)) FILTER (WHERE b.place % 2 = 1) + 180 / 2 ^ ((count(*) + 1) / 2)
		FROM (SELECT 5 * (d.n - 1) + k AS place, (strpos('0123456789bcdefghjkmnpqrstuvwxyz', d.digit) - 1) >> (5 - k) & 1 AS bit
		      FROM unnest(string_to_array(lower($1), NULL)) WITH ORDINALITY AS d (digit, n) CROSS JOIN generate_series(1, 5) AS k
		      WHERE $1 ~* '^[0-9b-hjkmnp-z]{1,12}$') AS b;
	END;
COMMENT ON FUNCTION _bigbrotr.geohash_point(text) IS 'Centre of the cell of a geohash (1 to 12 characters), degrees; null: the text is not a geohash';
