#include "geohash.h"

#include <string_view>

namespace nostr {

namespace {

struct Interval
{
	double from, to;

	/* Halves the interval to the half that contains `value`. True: the upper half. */
	bool halve(double value)
	{
		const double middle = (from + to) / 2;
		(value >= middle ? from : to) = middle;
		return value >= middle;
	}
};

} // namespace

std::string
geohash(double latitude, double longitude, size_t length)
{
	constexpr std::string_view digits = "0123456789bcdefghjkmnpqrstuvwxyz";
	Interval of_latitude{-90, 90}, of_longitude{-180, 180};
	std::string hash;
	bool east = true; // the next bit belongs to the longitude
	while (hash.size() < length) {
		unsigned digit = 0;
		for (int bit = 0; bit < 5; bit++, east = !east)
			digit = digit * 2 +
					unsigned(east ? of_longitude.halve(longitude) : of_latitude.halve(latitude));
		hash += digits[digit];
	}
	return hash;
}

} // namespace nostr
