/*
 * The order in which a batch is written.
 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "pg/border/compat.h"

extern "C" {
#include "port/pg_bswap.h"
}

namespace archive {

/* The indexes of the list's elements in the order of their ids; among equal ids the first element
 * comes first. */
template <class List>
std::vector<uint32_t>
ordered_by_id(const List &list)
{
	struct Place
	{
		uint64_t beginning; // of the id; nearly all ids differ in it
		uint32_t index;
	};
	std::vector<Place> places(list.size());
	for (uint32_t i = 0; i < places.size(); i++) {
		uint64_t beginning = 0;
		memcpy(&beginning, list[i].id.data(), std::min(list[i].id.size(), sizeof beginning));
		places[i] = {pg_ntoh64(beginning), i};
	}
	std::sort(places.begin(), places.end(), [&](const Place &a, const Place &b) {
		if (a.beginning != b.beginning)
			return a.beginning < b.beginning;
		int order = list[a.index].id.compare(list[b.index].id);
		return order != 0 ? order < 0 : a.index < b.index;
	});
	std::vector<uint32_t> order(places.size());
	std::transform(places.begin(), places.end(), order.begin(),
				   [](const Place &place) { return place.index; });
	return order;
}

} // namespace archive
