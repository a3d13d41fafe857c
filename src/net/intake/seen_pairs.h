/*
 * Which relay has shown which event lately. A relay that is read again shows the same events again;
 * the table saves a look-up in the database. The table is direct-mapped: a new pair replaces the
 * one in its slot. A pair is stored as a word of a universal hash with secret keys, so that a relay
 * cannot compute an event that collides with a pair.
 */
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "nostr/event.h"

namespace net {

class SeenPairs
{
  public:
	static constexpr size_t kPairs = 1 << 20; // 8 MiB

	SeenPairs() : slots_(kPairs)
	{
		std::random_device random;
		for (uint64_t &key : keys_)
			key = (uint64_t(random()) << 32 | random()) | 1;
	}
	bool contains(const nostr::Id &id, int32_t relay_id) const
	{
		uint64_t word = hash(id, relay_id);
		return slots_[place(word)] == word;
	}
	void insert(const nostr::Id &id, int32_t relay_id)
	{
		uint64_t word = hash(id, relay_id);
		slots_[place(word)] = word;
	}
	void clear() { std::fill(slots_.begin(), slots_.end(), 0); }

  private:
	static size_t place(uint64_t word) { return (word >> 1) % kPairs; }
	uint64_t hash(const nostr::Id &id, int32_t relay_id) const
	{
		uint64_t words[4], sum = uint64_t(uint32_t(relay_id)) * keys_[4];
		std::memcpy(words, id.data(), sizeof words);
		for (size_t i = 0; i < 4; i++) {
			/* Both halves of the product are added, because its low bits depend only on low
			 * bits. */
			auto product = static_cast<unsigned __int128>(words[i] ^ keys_[i + 5]) * keys_[i];
			sum += uint64_t(product) ^ uint64_t(product >> 64);
		}
		return (sum ^ sum >> 29) | 1; // 0 marks an empty slot
	}

	uint64_t keys_[9];
	std::vector<uint64_t> slots_;
};

} // namespace net
