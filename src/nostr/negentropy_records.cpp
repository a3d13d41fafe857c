#include "negentropy_records.h"

#include <algorithm>
#include <cstring>

#include <endian.h>
#include <openssl/sha.h>

namespace nostr::negentropy {

Bound
Bound::between(const Record &below, const Record &record)
{
	Bound bound{.created_at = uint64_t(record.created_at)};
	if (below.created_at != record.created_at)
		return bound;
	size_t common =
		size_t(std::mismatch(below.id.begin(), below.id.end(), record.id.begin()).first -
			   below.id.begin());
	bound.id_bytes = uint8_t(std::min(common + 1, record.id.size()));
	std::copy_n(record.id.begin(), bound.id_bytes, bound.id.begin());
	return bound;
}

void
RecordSet::Sum::add(const Id &id)
{
	uint64_t carry = 0;
	for (size_t i = 0; i < words.size(); i++) {
		uint64_t word;
		std::memcpy(&word, id.data() + 8 * i, sizeof word);
		auto sum = static_cast<unsigned __int128>(words[i]) + le64toh(word) + carry;
		words[i] = uint64_t(sum);
		carry = uint64_t(sum >> 64);
	}
}

void
RecordSet::Sum::subtract(const Sum &other)
{
	uint64_t borrow = 0;
	for (size_t i = 0; i < words.size(); i++) {
		auto difference = static_cast<unsigned __int128>(words[i]) - other.words[i] - borrow;
		words[i] = uint64_t(difference);
		borrow = uint64_t(difference >> 64) & 1;
	}
}

Fingerprint
RecordSet::Sum::fingerprint(size_t count) const
{
	std::string text;
	for (uint64_t word : words) {
		word = htole64(word);
		text.append(reinterpret_cast<const char *>(&word), sizeof word);
	}
	append_varint(count, text);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA256(reinterpret_cast<const uint8_t *>(text.data()), text.size(), hash);
	Fingerprint fingerprint;
	std::copy_n(hash, fingerprint.size(), fingerprint.begin());
	return fingerprint;
}

void
RecordSet::seal()
{
	if (!std::is_sorted(records_.begin(), records_.end()))
		std::sort(records_.begin(), records_.end());
	records_.erase(std::unique(records_.begin(), records_.end()), records_.end());
	sums_.clear();
	sums_.reserve(records_.size() / kBlock + 1);
	Sum sum;
	for (size_t i = 0; i < records_.size(); i++) {
		if (i % kBlock == 0)
			sums_.push_back(sum);
		sum.add(records_[i].id);
	}
	if (records_.size() % kBlock == 0)
		sums_.push_back(sum);
}

size_t
RecordSet::find(size_t from, const Bound &bound) const
{
	auto is_below = [](const Record &record, const Bound &limit) {
		uint64_t created_at = uint64_t(record.created_at);
		return created_at != limit.created_at ? created_at < limit.created_at
											  : record.id < limit.id;
	};
	auto begin = records_.begin() + ptrdiff_t(from);
	return from + size_t(std::lower_bound(begin, records_.end(), bound, is_below) - begin);
}

RecordSet::Sum
RecordSet::sum_below(size_t index) const
{
	Sum sum = sums_[index / kBlock];
	for (size_t i = index / kBlock * kBlock; i < index; i++)
		sum.add(records_[i].id);
	return sum;
}

RecordSet::Sum
RecordSet::sum(size_t lower, size_t upper) const
{
	Sum sum;
	if (upper - lower <= 2 * kBlock) {
		for (size_t i = lower; i < upper; i++)
			sum.add(records_[i].id);
	} else {
		sum = sum_below(upper);
		sum.subtract(sum_below(lower));
	}
	return sum;
}

Fingerprint
RecordSet::fingerprint(size_t lower, size_t upper) const
{
	return sum(lower, upper).fingerprint(upper - lower);
}

size_t
RecordSet::extra(size_t lower, size_t upper, std::string_view fingerprint) const
{
	const Sum all = sum(lower, upper);
	for (size_t i = lower; i < upper; i++) {
		Sum one, others = all;
		one.add(records_[i].id);
		others.subtract(one);
		const Fingerprint theirs = others.fingerprint(upper - lower - 1);
		if (std::equal(theirs.begin(), theirs.end(), fingerprint.begin(), fingerprint.end(),
					   [](uint8_t a, char b) { return a == uint8_t(b); }))
			return i;
	}
	return upper;
}

void
append_varint(uint64_t value, std::string &out)
{
	int groups = 1;
	while (groups < 10 && value >> 7 * groups != 0)
		groups++;
	while (groups-- > 0)
		out += char((value >> 7 * groups & 0x7f) | (groups > 0 ? 0x80 : 0));
}

} // namespace nostr::negentropy
