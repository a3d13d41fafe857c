/*
 * A second implementation of Negentropy V1, as the specification describes it and slow. The fast
 * one is compared with it. They share only the record.
 */
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <openssl/sha.h>

#include "nostr/negentropy_records.h"

namespace slow_negentropy {

using Records = std::set<nostr::negentropy::Record>;
using Key = std::pair<uint64_t, std::string>; // time, id

inline std::string
id_of(const nostr::negentropy::Record &record)
{
	return {record.id.begin(), record.id.end()};
}

inline std::string
varint(uint64_t value)
{
	std::string out(1, char(value & 0x7f));
	while (value >>= 7)
		out.insert(out.begin(), char((value & 0x7f) | 0x80));
	return out;
}

inline std::string
fingerprint(const std::vector<Key> &keys)
{
	std::string sum(32, '\0');
	for (const Key &key : keys) {
		unsigned carry = 0;
		for (size_t i = 0; i < 32; i++) {
			carry += uint8_t(sum[i]) + unsigned(uint8_t(key.second[i]));
			sum[i] = char(carry);
			carry >>= 8;
		}
	}
	sum += varint(keys.size());
	unsigned char hash[32];
	SHA256(reinterpret_cast<const unsigned char *>(sum.data()), sum.size(), hash);
	return {reinterpret_cast<const char *>(hash), 16};
}

/* One side of one message. */
class Side
{
  public:
	Side(const Records &records, size_t limit) : limit_(limit)
	{
		for (const auto &record : records)
			keys_.emplace_back(uint64_t(record.created_at), id_of(record));
	}

	std::string first()
	{
		out_ = "\x61";
		split(keys_, infinity, "");
		return out_;
	}

	/* Nothing if the message is refused. */
	std::optional<std::string> reply(std::string message, bool client, std::set<std::string> &have,
									 std::set<std::string> &need)
	{
		in_ = std::move(message);
		out_ = "\x61";
		bad_ = in_.empty();
		const auto version = uint8_t(take(1)[0]);
		if (bad_ || version < 0x60 || version > 0x6f || (client && version != 0x61))
			return {};
		if (version != 0x61)
			return out_;
		std::vector<Key> rest = keys_;
		Key previous, before;
		uint64_t last_in = 0;
		bool skipped = false;
		while (!in_.empty()) {
			uint64_t time = number();
			time = time == 0 || time - 1 > infinity - last_in ? infinity : last_in + time - 1;
			const uint64_t size = number();
			bad_ |= size > 32;
			const std::string prefix = bad_ ? "" : take(size);
			const Key bound{time, (prefix + std::string(32, '\0')).substr(0, 32)};
			bad_ |= bound < before;
			const uint64_t mode = number();
			if (bad_ || mode > 2)
				return {};
			last_in = time;
			before = bound;
			std::vector<Key> mine, above;
			for (const Key &key : rest)
				(key < bound ? mine : above).push_back(key);
			const std::string kept = out_;
			const uint64_t kept_last = last_out_;
			auto write_skip = [&] {
				if (skipped)
					range(previous.first, previous_prefix_, 0);
				skipped = false;
			};
			bool written = false;
			if (mode == 0) {
				skipped = true;
			} else if (mode == 1) {
				const std::string theirs = take(16);
				if (bad_)
					return {};
				if (theirs == fingerprint(mine)) {
					skipped = true;
				} else if (const std::string one =
							   client && time != infinity ? extra(mine, theirs) : "";
						   !one.empty()) {
					have.insert(one);
					skipped = true;
				} else {
					write_skip();
					if (client)
						ask(mine, time, prefix);
					else
						split(mine, time, prefix);
				}
			} else {
				const uint64_t count = number();
				if (bad_ || count > in_.size() / 32)
					return {};
				std::set<std::string> theirs, ours;
				for (uint64_t i = 0; i < count; i++)
					theirs.insert(take(32));
				for (const Key &key : mine)
					ours.insert(key.second);
				if (client) {
					for (const std::string &id : ours)
						if (!theirs.contains(id))
							have.insert(id);
					for (const std::string &id : theirs)
						if (!ours.contains(id))
							need.insert(id);
					skipped = true;
				} else {
					write_skip();
					std::vector<Key> sent;
					while (sent.size() < mine.size() && !full(kept.size() + 32 * sent.size()))
						sent.push_back(mine[sent.size()]);
					if (sent.size() < mine.size()) {
						range(mine[sent.size()].first, mine[sent.size()].second, 2);
						above.insert(above.begin(), mine.begin() + ptrdiff_t(sent.size()),
									 mine.end());
					} else {
						range(time, prefix, 2);
					}
					list(sent);
					written = true;
				}
			}
			if (full(out_.size())) {
				if (!written) {
					out_ = kept;
					last_out_ = kept_last;
				}
				range(infinity, "", 1);
				out_ += fingerprint(above);
				return out_;
			}
			rest = above;
			previous = bound;
			previous_prefix_ = prefix;
		}
		return out_;
	}

  private:
	static constexpr uint64_t infinity = UINT64_MAX;

	bool full(size_t size) const { return limit_ > 0 && size > limit_ - 200; }
	std::string take(size_t size)
	{
		bad_ |= size > in_.size();
		if (bad_)
			return std::string(size <= 32 ? size : 32, '\0');
		std::string bytes = in_.substr(0, size);
		in_.erase(0, size);
		return bytes;
	}
	uint64_t number()
	{
		unsigned __int128 value = 0;
		for (int i = 0;; i++) {
			const auto byte = uint8_t(take(1)[0]);
			bad_ |= i == 10;
			if (bad_)
				return 0;
			value = value << 7 | (byte & 0x7f);
			bad_ |= value >> 64 != 0;
			if (byte < 0x80)
				return bad_ ? 0 : uint64_t(value);
		}
	}
	void range(uint64_t time, const std::string &prefix, uint64_t mode)
	{
		out_ += time == infinity ? varint(0) : varint(time - last_out_ + 1);
		if (time != infinity)
			last_out_ = time;
		out_ += varint(prefix.size()) + prefix + varint(mode);
	}
	void list(const std::vector<Key> &keys)
	{
		out_ += varint(keys.size());
		for (const Key &key : keys)
			out_ += key.second;
	}
	void split(const std::vector<Key> &keys, uint64_t time, const std::string &prefix)
	{
		if (keys.size() < 32) {
			range(time, prefix, 2);
			return list(keys);
		}
		parts(keys, time, prefix, 16);
	}
	/* The client's questions: fewer bytes than the reference implementation takes. */
	void ask(const std::vector<Key> &keys, uint64_t time, const std::string &prefix)
	{
		if (keys.empty() || keys.size() >= 512)
			split(keys, time, prefix);
		else if (keys.size() >= 32)
			parts(keys, time, prefix, 1);
		else
			parts(keys, time, prefix,
				  std::max(size_t(1), size_t(std::sqrt(double(keys.size()) * 32 / 21))));
	}
	/* Of few ids the one that is too much, if there is one. */
	static std::string extra(const std::vector<Key> &keys, const std::string &theirs)
	{
		for (size_t i = 0; i < keys.size() && keys.size() < 32; i++) {
			std::vector<Key> others = keys;
			others.erase(others.begin() + ptrdiff_t(i));
			if (fingerprint(others) == theirs)
				return keys[i].second;
		}
		return "";
	}
	void parts(const std::vector<Key> &keys, uint64_t time, const std::string &prefix, size_t count)
	{
		size_t begin = 0;
		for (size_t part = 0; part < count; part++) {
			const size_t end = begin + keys.size() / count + (part < keys.size() % count ? 1 : 0);
			if (end == keys.size()) {
				range(time, prefix, 1);
			} else {
				const Key &p = keys[end - 1], &c = keys[end];
				size_t common = 0;
				while (p.first == c.first && p.second[common] == c.second[common])
					common++;
				range(c.first, p.first == c.first ? c.second.substr(0, common + 1) : "", 1);
			}
			out_ += fingerprint({keys.begin() + ptrdiff_t(begin), keys.begin() + ptrdiff_t(end)});
			begin = end;
		}
	}

	std::vector<Key> keys_;
	const size_t limit_;
	std::string in_, out_, previous_prefix_;
	uint64_t last_out_ = 0;
	bool bad_ = false;
};

} // namespace slow_negentropy
