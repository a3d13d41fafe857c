/*
 * Geohashes (geohash.org; NIP-52, tag `g`): a point's cell as text, each digit halving it five
 * times, longitude first.
 */
#pragma once

#include <string>

namespace nostr {

/* Degrees, -90 to 90 and -180 to 180; `length` digits. */
std::string geohash(double latitude, double longitude, size_t length);

} // namespace nostr
