/*
 * A set of records (created_at, id) for set reconciliation: sorted, with a fast fingerprint of any
 * range of records, which takes a few additions. The code does no I/O.
 *
 * A record takes 42 bytes. Growth of the vector takes more, which reserve() avoids.
 */
#pragma once

#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event.h"

namespace nostr::negentropy {

/* Sorted by time, then by the bytes of the id. */
struct Record
{
	int64_t created_at = 0; // Unix seconds, not negative
	Id id{};
	auto operator<=>(const Record &) const = default;
};

/*
 * A position between records: a record is below a bound if its (time, id) is smaller. Bytes of the
 * id that the bound does not contain count as zero.
 */
struct Bound
{
	static constexpr uint64_t kInfinity = UINT64_MAX;

	uint64_t created_at = 0; // kInfinity: above all records
	uint8_t id_bytes = 0;    // number of bytes of `id` that the bound contains
	Id id{};

	/* Bounds are equal regardless of how many zero bytes they contain, so this is not the
	 * default. */
	std::strong_ordering operator<=>(const Bound &other) const
	{
		auto time = created_at <=> other.created_at;
		return time != 0 ? time : id <=> other.id;
	}
	bool operator==(const Bound &other) const { return (*this <=> other) == 0; }

	static Bound infinity() { return {.created_at = kInfinity}; }
	/* The position exactly at a record. */
	static Bound at(const Record &record)
	{
		return {.created_at = uint64_t(record.created_at), .id_bytes = 32, .id = record.id};
	}
	/* The shortest bound above `below` and not above `record`; `record` follows `below`. */
	static Bound between(const Record &below, const Record &record);
};

using Fingerprint = std::array<uint8_t, 16>;

class RecordSet
{
  public:
	void reserve(size_t records) { records_.reserve(records); }
	/* Adds a record; any order and duplicates are allowed. seal() must be called before any
	 * query. */
	void add(int64_t created_at, const Id &id) { records_.push_back({created_at, id}); }
	void seal();

	size_t size() const { return records_.size(); }
	const Record &operator[](size_t index) const { return records_[index]; }
	std::span<const Record> part(size_t lower, size_t upper) const
	{
		return {records_.data() + lower, upper - lower};
	}
	/* Index of the first record, from `from` on, that is not below the bound. */
	size_t find(size_t from, const Bound &bound) const;
	/* The fingerprint of the ids of the records from `lower` to before `upper`. */
	Fingerprint fingerprint(size_t lower, size_t upper) const;
	/* The record without which the others have this fingerprint; `upper` if there is none. */
	size_t extra(size_t lower, size_t upper, std::string_view fingerprint) const;
	/* Bytes of memory. */
	size_t memory() const
	{
		return records_.capacity() * sizeof(Record) + sums_.capacity() * sizeof(Sum);
	}

  private:
	/* A number of 256 bits, lowest word first. Overflow is dropped. */
	struct Sum
	{
		std::array<uint64_t, 4> words{};
		void add(const Id &id);
		void subtract(const Sum &other);
		/* The fingerprint of this sum of `count` ids. */
		Fingerprint fingerprint(size_t count) const;
	};
	/* Number of records in a block. Each block has its sum; only the records outside of whole
	 * blocks are added one by one. */
	static constexpr size_t kBlock = 16;

	Sum sum_below(size_t index) const;
	Sum sum(size_t lower, size_t upper) const;

	std::vector<Record> records_;
	std::vector<Sum> sums_; // sums_[i]: sum of all records before block i
};

/* Appends a number in base 128, highest group first. */
void append_varint(uint64_t value, std::string &out);

} // namespace nostr::negentropy
