-- Places on the map: distances, boxes, geohashes.
CREATE EXTENSION bigbrotr;
SELECT name, round(_bigbrotr.distance_km(a, b, c, d)::numeric, 1) AS km FROM (VALUES
	(1, 'here', 52.52, 13.405, 52.52, 13.405), (2, 'Berlin and Paris', 52.52, 13.405, 48.8566, 2.3522), (3, 'across the meridian of 180 degrees', 0, 179.5, 0, -179.5),
	(4, 'two names of one meridian', 10, 180, 10, -180), (5, 'a pole is one point', 90, 0, 90, 123), (6, 'over a pole', 89, 0, 89, 180), (7, 'pole and pole', 90, 17, -90, -4),
	(8, 'opposite points', 12.3, 45.6, -12.3, -134.4), (9, 'nowhere', NULL, 0, 0, 0), (10, 'beyond a pole', 90.1, 0, 0, 0), (11, 'far away', 0, 0, 0, 'Infinity'), (12, 'no number', 'NaN', 0, 0, 0)) AS p (n, name, a, b, c, d) ORDER BY n;
-- Whatever the points are: the same in both directions, and not more than half the way around.
WITH points AS (SELECT lat, lon FROM generate_series(-90, 90, 15) AS lat, generate_series(-180, 180, 30) AS lon)
SELECT count(*) AS pairs, count(*) FILTER (WHERE abs(_bigbrotr.distance_km(a.lat, a.lon, b.lat, b.lon) - _bigbrotr.distance_km(b.lat, b.lon, a.lat, a.lon)) > 1e-6) AS uneven,
       count(*) FILTER (WHERE (_bigbrotr.distance_km(a.lat, a.lon, b.lat, b.lon) BETWEEN 0 AND 20015.2) IS NOT TRUE) AS wild
FROM points AS a, points AS b;

-- south, west, north, east: which of the points are in the box.
SELECT box, ARRAY(SELECT name FROM (VALUES (1, 'Berlin', 52.52, 13.405), (2, 'Null Island', 0, 0), (3, 'Taveuni', -16.8, 180), (4, 'Taveuni again', -16.8, -180), (5, 'Apia', -13.8, -171.8),
	(6, 'Suva', -18.1, 178.4), (7, 'North Pole', 90, 0), (8, 'South Pole', -90, 45)) AS p (n, name, lat, lon) WHERE _bigbrotr.is_in_box(lat, lon, box[1], box[2], box[3], box[4]) ORDER BY n) AS inside
FROM unnest(ARRAY['{-90,-180,90,180}', '{50,10,55,15}', '{-20,170,-10,180}', '{-20,-180,-10,-170}', '{-20,170,-10,-170}', '{-20,180,-10,-180}', '{80,100,90,110}', '{-90,-10,-80,-5}', '{0,0,0,0}', '{-90,1,90,0}']::text[]) AS b,
     LATERAL (SELECT b::double precision[] AS box) AS x;
SELECT _bigbrotr.is_in_box(NULL, 0, -90, -180, 90, 180) AS nowhere;

SELECT hash, round(latitude::numeric, 4) AS latitude, round(longitude::numeric, 4) AS longitude
FROM unnest('{u0yjj,U0YJJ,ezs42,9q8yy,s,0,zzzzzzzzzzzz,a,"",u0yji,0123456789bcd,"u0yjj "}'::text[]) WITH ORDINALITY AS h (hash, n), _bigbrotr.geohash_point(hash) ORDER BY n;
-- The cells of three digits cover the Earth, each once.
SELECT count(*), count(DISTINCT (latitude, longitude)) AS points, min(latitude), max(latitude), min(longitude), max(longitude)
FROM (SELECT string_to_array('0123456789bcdefghjkmnpqrstuvwxyz', NULL) AS digits) AS d, unnest(digits) AS a, unnest(digits) AS b, unnest(digits) AS c, _bigbrotr.geohash_point(a || b || c);
DROP EXTENSION bigbrotr;
