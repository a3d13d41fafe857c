/*
 * Ids met lately, in a direct-mapped table: a new id replaces the one in its slot. The table holds
 * whole ids, because a relay could forge an id with the same prefix.
 */
#pragma once

#include <cstring>
#include <random>
#include <vector>

#include "nostr/event.h"

namespace net {

/* The hash of an id. A secret salt keeps outsiders from computing ids that collide. */
class IdHash
{
  public:
	size_t operator()(const nostr::Id &id) const
	{
		uint64_t word;
		std::memcpy(&word, id.data(), sizeof word);
		word = (word ^ salt().xor_with) * salt().multiplier;
		return word ^ (word >> 32);
	}

  private:
	struct Salt
	{
		uint64_t xor_with, multiplier;
	};
	static const Salt &salt()
	{
		static const Salt salt = [] {
			std::random_device random;
			auto word = [&] { return uint64_t(random()) << 32 | random(); };
			return Salt{word(), word() | 1};
		}();
		return salt;
	}
};

class IdTable
{
  public:
	/* `slots` must be a power of two. */
	explicit IdTable(size_t slots) : slots_(slots) {}
	bool contains(const nostr::Id &id) const { return slots_[slot(id)] == id; }
	void insert(const nostr::Id &id) { slots_[slot(id)] = id; }
	void erase(const nostr::Id &id)
	{
		if (contains(id))
			slots_[slot(id)] = {};
	}

  private:
	size_t slot(const nostr::Id &id) const { return IdHash()(id) & (slots_.size() - 1); }
	std::vector<nostr::Id> slots_;
};

} // namespace net
