/* The readers that an event finds are those that comparing it with every filter finds. */
#include <algorithm>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "net/serve/reader_index.h"

namespace {

using net::LiveReader;
using net::ReaderIndex;

struct Reader final : LiveReader
{
	void on_event(const nostr::Event &, std::string_view, uint64_t) override {}
	void on_missed() override {}
	std::vector<nostr::Filter> filters;
};

/* Few values, so that much matches. */
class Chance
{
  public:
	size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
	bool of(double share) { return std::bernoulli_distribution(share)(random_); }
	/* The first bytes are the same for some: their hashes collide. */
	std::array<uint8_t, 32> bytes()
	{
		std::array<uint8_t, 32> out{};
		out[0] = uint8_t(below(6));
		out[31] = uint8_t(below(2));
		return out;
	}
	int32_t kind() { return int32_t(below(8)); }
	int64_t time() { return int64_t(below(100)); }
	char name() { return "etE"[below(3)]; }
	std::string value() { return std::string(1, char('a' + below(10))); }

	template <class T> std::vector<T> list(T (Chance::*make)(), size_t most)
	{
		std::vector<T> out;
		for (size_t n = below(most); n > 0; n--)
			out.push_back((this->*make)());
		std::sort(out.begin(), out.end());
		out.erase(std::unique(out.begin(), out.end()), out.end());
		return out;
	}

	nostr::Filter filter()
	{
		nostr::Filter out;
		if (of(0.2))
			out.ids = list(&Chance::bytes, 8);
		if (of(0.3))
			out.authors = list(&Chance::bytes, 8);
		if (of(0.4))
			out.kinds = list(&Chance::kind, 6);
		if (of(0.4))
			out.tags.push_back({name(), list(&Chance::value, 6)});
		if (of(0.1))
			out.tags.push_back({'x', list(&Chance::value, 6)});
		if (of(0.2))
			out.since = time();
		if (of(0.2))
			out.until = time();
		if (of(0.05)) {
			out.kinds.emplace();
			for (int32_t kind = 0; kind < int32_t(ReaderIndex::kMaxValues) + 1; kind++)
				out.kinds->push_back(kind * 2);
		}
		return out;
	}

	nostr::Event event()
	{
		nostr::Event out;
		out.id = bytes();
		out.pubkey = bytes();
		out.kind = kind();
		out.created_at = time();
		out.tags = "[";
		for (size_t n = below(6); n > 0; n--)
			out.tags += (out.tags.size() > 1 ? ",[\"" : "[\"") + std::string(1, name()) + "\",\"" +
						value() + "\"]";
		out.tags += "]";
		return out;
	}

  private:
	std::mt19937_64 random_{20261129};
};

} // namespace

TEST(ReaderIndex, FindsWhatComparingFinds)
{
	Chance chance;
	ReaderIndex index;
	std::vector<std::unique_ptr<Reader>> readers;
	size_t found = 0;
	for (int round = 0; round < 600; round++) {
		if (readers.size() < 100 || chance.of(0.5)) {
			auto &reader = readers.emplace_back(std::make_unique<Reader>());
			for (size_t n = chance.below(4); n > 0; n--)
				reader->filters.push_back(chance.filter());
			index.add(*reader, reader->filters);
		} else {
			const auto leaves = readers.begin() + long(chance.below(readers.size()));
			index.remove(**leaves);
			readers.erase(leaves);
		}
		const nostr::Event event = chance.event();
		std::vector<LiveReader *> expected, got = index.matching(event);
		for (const auto &reader : readers)
			if (std::ranges::any_of(reader->filters, [&](const nostr::Filter &filter) {
					return nostr::matches(filter, event);
				}))
				expected.push_back(reader.get());
		std::sort(expected.begin(), expected.end());
		std::sort(got.begin(), got.end());
		ASSERT_EQ(got, expected) << "round " << round;
		ASSERT_EQ(index.all().size(), readers.size());
		found += got.size();
	}
	EXPECT_GT(found, 2000U);
	for (const auto &reader : readers)
		index.remove(*reader);
	EXPECT_TRUE(index.empty());
	EXPECT_TRUE(index.matching(chance.event()).empty());
}

TEST(ReaderIndex, KeepsTheLastFiltersOfAReader)
{
	ReaderIndex index;
	Reader reader;
	nostr::Filter first, second;
	first.kinds = {1};
	second.kinds = {2};
	index.add(reader, {first, first});
	index.add(reader, {second});
	nostr::Event event;
	event.tags = "[]";
	event.kind = 1;
	EXPECT_TRUE(index.matching(event).empty());
	event.kind = 2;
	EXPECT_EQ(index.matching(event), std::vector<LiveReader *>{&reader});
	index.remove(reader);
	index.remove(reader);
	EXPECT_TRUE(index.matching(event).empty());
}
