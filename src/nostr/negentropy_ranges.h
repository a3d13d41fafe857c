/* The ranges of a message of the Negentropy protocol as bytes. Used by negentropy.cpp only. */
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "negentropy.h"

namespace nostr::negentropy {

constexpr uint8_t kVersion = 0x61;
constexpr uint8_t kFirstVersion = 0x60, kLastVersion = 0x6f;

enum Mode : uint64_t
{
	Skip = 0,
	Fingerprints = 1,
	Ids = 2
};

/* A range of kFewRecords or more records is described by the fingerprints of kParts parts, a
 * smaller range by its ids. */
constexpr size_t kParts = 16;
constexpr size_t kFewRecords = 2 * kParts;
/* Size of a fingerprint with its bound, in bytes. */
constexpr size_t kFingerprintCost = 21;

/* Bytes of a frame that are kept free for the last range and for the largest single write. */
constexpr size_t kSpare = 200;

/* Writes ranges. A time is written as the difference from the previous time in the message. */
class RangeWriter
{
  public:
	explicit RangeWriter(size_t frame_limit) : frame_limit_(frame_limit) {}

	void skip(const Bound &upper) { range(upper, Mode::Skip); }
	void fingerprint(const Bound &upper, const Fingerprint &fingerprint)
	{
		range(upper, Mode::Fingerprints);
		out_.append(reinterpret_cast<const char *>(fingerprint.data()), fingerprint.size());
	}
	void ids(const Bound &upper, std::span<const Record> records)
	{
		range(upper, Mode::Ids);
		append_varint(records.size(), out_);
		for (const Record &record : records)
			out_.append(reinterpret_cast<const char *>(record.id.data()), record.id.size());
	}
	/* Describes the records from `lower` to `upper`, which are all records of the range that ends
	 * at the bound. */
	void describe(const RecordSet &own, size_t lower, size_t upper, const Bound &bound)
	{
		const size_t count = upper - lower;
		if (count < kFewRecords)
			return ids(bound, own.part(lower, upper));
		parts(own, lower, upper, bound, kParts);
	}
	/*
	 * Describes the range as a question of the client, in the form that costs least together with
	 * its answer. If a fingerprint differs, the server sends all ids (if they are few) or kParts
	 * fingerprints. A range of some hundred records is left undivided, so that the server divides
	 * it. In a range of few records, a fingerprint costs as much as the ids of a part.
	 */
	void ask(const RecordSet &own, size_t lower, size_t upper, const Bound &bound)
	{
		const size_t count = upper - lower;
		if (count == 0 || count >= kFewRecords * kParts)
			return describe(own, lower, upper, bound);
		size_t number = 1;
		while (count < kFewRecords &&
			   (number + 1) * (number + 1) * kFingerprintCost <= count * sizeof(Id))
			number++;
		parts(own, lower, upper, bound, number);
	}

	/* Whether a message of this size has no space for more ranges. */
	bool exceeds(size_t size) const { return frame_limit_ > 0 && size + kSpare > frame_limit_; }
	size_t size() const { return out_.size(); }
	/* Drops everything beyond this size. Only a bound at infinity may follow. */
	void cut(size_t size) { out_.resize(size); }
	std::string take() { return std::move(out_); }

  private:
	/* Writes the fingerprints of `number` parts of the range. */
	void parts(const RecordSet &own, size_t lower, size_t upper, const Bound &bound, size_t number)
	{
		const size_t count = upper - lower;
		for (size_t part = 0; part < number; part++) {
			size_t next = lower + count / number + (part < count % number);
			fingerprint(next == upper ? bound : Bound::between(own[next - 1], own[next]),
						own.fingerprint(lower, next));
			lower = next;
		}
	}
	void range(const Bound &upper, Mode mode)
	{
		if (upper.created_at == Bound::kInfinity) {
			append_varint(0, out_);
		} else {
			append_varint(upper.created_at - last_ + 1, out_);
			last_ = upper.created_at;
		}
		append_varint(upper.id_bytes, out_);
		out_.append(reinterpret_cast<const char *>(upper.id.data()), upper.id_bytes);
		append_varint(mode, out_);
	}

	const size_t frame_limit_;
	std::string out_{char(kVersion)};
	uint64_t last_ = 0; // time of the previous bound
};

/* Reads ranges. Throws Fault. */
class RangeReader
{
  public:
	explicit RangeReader(std::string_view message) : rest_(message) {}

	bool at_end() const { return rest_.empty(); }
	std::string_view bytes(size_t size)
	{
		if (size > rest_.size())
			throw Fault::CutShort;
		std::string_view bytes = rest_.substr(0, size);
		rest_.remove_prefix(size);
		return bytes;
	}
	uint64_t number()
	{
		uint64_t value = 0;
		for (int groups = 0; groups < kMaxGroups && value >> 57 == 0; groups++) {
			auto byte = uint8_t(bytes(1)[0]);
			value = value << 7 | (byte & 0x7f);
			if (byte < 0x80)
				return value;
		}
		throw Fault::TooLarge;
	}
	/* Reads a bound, which must not be below the previous one. */
	Bound bound()
	{
		Bound bound{.created_at = number()};
		if (bound.created_at == 0)
			bound.created_at = Bound::kInfinity;
		else if (__builtin_add_overflow(last_.created_at, bound.created_at - 1, &bound.created_at))
			bound.created_at = Bound::kInfinity;
		uint64_t told = number();
		if (told > bound.id.size())
			throw Fault::LongPrefix;
		std::string_view id = bytes(told);
		bound.id_bytes = uint8_t(told);
		std::copy(id.begin(), id.end(), bound.id.begin());
		if (bound < last_)
			throw Fault::Unordered;
		last_ = bound;
		return bound;
	}
	/* Reads a list of ids. Returns it sorted, without duplicates. */
	std::vector<Id> ids()
	{
		uint64_t count = number();
		if (count > rest_.size() / sizeof(Id))
			throw Fault::CutShort;
		std::vector<Id> ids(count);
		for (Id &id : ids) {
			std::string_view from = bytes(id.size());
			std::copy(from.begin(), from.end(), id.begin());
		}
		std::sort(ids.begin(), ids.end());
		ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
		return ids;
	}
	void skip_ids()
	{
		uint64_t count = number();
		if (count > rest_.size() / sizeof(Id))
			throw Fault::CutShort;
		rest_.remove_prefix(count * sizeof(Id));
	}

  private:
	static constexpr int kMaxGroups = 10; // groups of seven bits in a 64-bit number

	std::string_view rest_;
	Bound last_;
};

} // namespace nostr::negentropy
