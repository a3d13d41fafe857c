/*
 * Geohashes (geohash.org; NIP-52, tag `g`): the cell of a point as text. Each digit halves the cell
 * five times, the longitude first.
 */
#pragma once

#include <string>

namespace nostr {

/* `latitude`: -90 to 90 degrees; `longitude`: -180 to 180 degrees; `length`: number of digits. */
std::string geohash(double latitude, double longitude, size_t length);

} // namespace nostr
