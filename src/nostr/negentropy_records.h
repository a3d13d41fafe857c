/*
 * A set of records (created_at, id) as set reconciliation needs it: sorted, with the fingerprint of
 * any run of records at the price of a few additions. Sans I/O.
 *
 * Takes 42 bytes a record, plus what the vector's growth adds: reserve() avoids that.
 */
#pragma once

#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event.h"

namespace nostr::negentropy {

/* Sorted by time, then by id as unsigned bytes from the first one. */
struct Record
{
	int64_t created_at = 0; // Unix seconds, not negative
	Id id{};
	auto operator<=>(const Record &) const = default;
};

/*
 * A place between records: a record is below a bound if its (time, id) is smaller. Bytes of the id
 * that are not told count as zero.
 */
struct Bound
{
	static constexpr uint64_t kInfinity = UINT64_MAX;

	uint64_t created_at = 0; // kInfinity: above all records
	uint8_t id_bytes = 0;    // of `id`, that are told
	Id id{};

	/* Not the default: bounds are equal however many zeros of the id are told. */
	std::strong_ordering operator<=>(const Bound &other) const
	{
		auto time = created_at <=> other.created_at;
		return time != 0 ? time : id <=> other.id;
	}
	bool operator==(const Bound &other) const { return (*this <=> other) == 0; }

	static Bound infinity() { return {.created_at = kInfinity}; }
	/* The exact place of a record. */
	static Bound at(const Record &record)
	{
		return {.created_at = uint64_t(record.created_at), .id_bytes = 32, .id = record.id};
	}
	/* The shortest bound above `below` that does not exceed `record`, which follows it. */
	static Bound between(const Record &below, const Record &record);
};

using Fingerprint = std::array<uint8_t, 16>;

class RecordSet
{
  public:
	void reserve(size_t records) { records_.reserve(records); }
	/* In any order, repeats allowed; seal() must follow before anything is asked. */
	void add(int64_t created_at, const Id &id) { records_.push_back({created_at, id}); }
	void seal();

	size_t size() const { return records_.size(); }
	const Record &operator[](size_t index) const { return records_[index]; }
	std::span<const Record> part(size_t lower, size_t upper) const
	{
		return {records_.data() + lower, upper - lower};
	}
	/* The first record from `from` on that is not below the bound. */
	size_t find(size_t from, const Bound &bound) const;
	/* Of the ids of the records from `lower` up to, but without, `upper`. */
	Fingerprint fingerprint(size_t lower, size_t upper) const;
	/* The record whose removal leaves the others with this fingerprint; `upper`: there is none. */
	size_t extra(size_t lower, size_t upper, std::string_view fingerprint) const;
	/* Bytes held. */
	size_t memory() const
	{
		return records_.capacity() * sizeof(Record) + sums_.capacity() * sizeof(Sum);
	}

  private:
	/* A number of 256 bits, its lowest word first; overflow is lost. */
	struct Sum
	{
		std::array<uint64_t, 4> words{};
		void add(const Id &id);
		void subtract(const Sum &other);
		/* The fingerprint of this sum, which is of `count` ids. */
		Fingerprint fingerprint(size_t count) const;
	};
	/* Each block of records has its sum, so that few records are added one by one. */
	static constexpr size_t kBlock = 16;

	Sum sum_below(size_t index) const;
	Sum sum(size_t lower, size_t upper) const;

	std::vector<Record> records_;
	std::vector<Sum> sums_; // sums_[i]: of all records before block i
};

/* Numbers in base 128, the highest group first. */
void append_varint(uint64_t value, std::string &out);

} // namespace nostr::negentropy
