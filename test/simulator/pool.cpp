#include "pool.h"

#include "nostr/canonical.h"

namespace simulator {
namespace {

constexpr uint32_t kAuthors = 40;
constexpr int64_t kDay = 86400;

} // namespace

int32_t
Pool::common_kind()
{
	static constexpr int32_t kinds[] = {1, 1, 1, 1, 1, 7, 7, 6, 9735, 1111, 1984, 1063};
	return random_.pick(kinds);
}

uint32_t
Pool::make(int64_t created_at, int32_t kind, size_t content, const std::string &tags)
{
	return make_by(uint32_t(random_.below(kAuthors)), created_at, kind, content, tags);
}

uint32_t
Pool::make_by(uint32_t author, int64_t created_at, int32_t kind, size_t content,
			  const std::string &tags)
{
	nostr::Event event;
	event.created_at = created_at;
	event.kind = kind;
	event.tags = tags;
	// No two events are alike, so that no two ids are.
	event.content = std::to_string(events_.size()) + " " + std::to_string(random_.next() & 0xffff);
	if (content > event.content.size())
		event.content.append(content - event.content.size(), 'x');
	signers_[author]->sign(event);
	events_.push_back({event.id, author, kind, created_at, nostr::to_json(event)});
	return uint32_t(events_.size() - 1);
}

Pool::Pool(uint64_t seed, int64_t now) : random_(seed), now_(now)
{
	for (uint32_t i = 0; i < kAuthors; i++)
		signers_.push_back(std::make_unique<nostr::Signer>(
			nostr::sha256("simulator " + std::to_string(seed) + " " + std::to_string(i))));
	events_.reserve(64000);

	const int64_t begin = now - 400 * kDay, end = now - 4 * kDay;
	constexpr int64_t kNotes = 8000;
	for (int64_t i = 0; i < kNotes; i++) {
		// Some neighbours share their second.
		bool again = !notes.empty() && random_.chance(0.1);
		int64_t at = again ? events_[notes.back()].created_at
						   : begin + i * ((end - begin) / kNotes) + int64_t(random_.below(3600));
		notes.push_back(make(at, common_kind()));
	}
	pinned = make(begin - 500 * kDay, 1);
	for (int64_t i = 0; i < 300; i++)
		recent.push_back(make(now - 1200 - i * 860, common_kind()));
	for (int run = 0; run < 6; run++) {
		Numbers numbers;
		int64_t at = begin + (run + 1) * 55 * kDay;
		for (int i = 0; i < 700; i++)
			numbers.push_back(make(run % 2 ? at : at + i, i % 9 ? 1059 : 4));
		hidden_runs.push_back(std::move(numbers));
	}
	for (int second = 0; second < 3; second++) {
		Numbers numbers;
		for (int i = 0; i < 800; i++)
			numbers.push_back(make(begin + (second * 90 + 70) * kDay, i < 450 ? 1 : 1059));
		mixed.push_back(std::move(numbers));
	}
	for (int second = 0; second < 4; second++) {
		Numbers numbers;
		int64_t at = begin + (second * 80 + 45) * kDay;
		for (int i = 0; i < 700 + second * 260; i++)
			numbers.push_back(make(at, second % 2 ? 1 : common_kind()));
		dense.push_back(std::move(numbers));
	}
	static constexpr int32_t kinds[] = {1, 7, 6, 1111};
	for (uint32_t i = 0; i < 20000; i++)
		crowded.push_back(make_by(i / 4 % kAuthors, begin + 200 * kDay, kinds[i % 4], 0, "[]"));
	for (int second = 0; second < 8; second++) {
		Numbers numbers;
		int64_t at = begin + (second * 40 + 30) * kDay;
		for (int i = 0; i < (second % 2 ? 100 : 10); i++)
			numbers.push_back(make(at, 1, second % 2 ? 0 : 6000));
		uneven.push_back(std::move(numbers));
	}
	for (int64_t back : kLateBy) {
		Numbers numbers;
		for (int i = 0; i < 12; i++)
			numbers.push_back(make(now - back - 61 * i, i % 3 ? 1 : 7));
		late.push_back(std::move(numbers));
	}
	for (int64_t at : {int64_t(0), int64_t(1), now + 3600, now + kDay, now * 1000, INT64_MAX})
		odd_times.push_back(make(at, 1));
	std::string tags = "[[\"t\",\"a\"]";
	for (int i = 0; i < 12000; i++)
		tags += ",[\"t\",\"a\"]";
	for (int i = 0; i < 12; i++) {
		int64_t at = begin + (i * 30 + 5) * kDay;
		beyond_limits.push_back(i % 3 == 0   ? make(at, 70000 + i)
								: i % 3 == 1 ? make(at, 1, 60000)
											 : make(at, 1, 0, tags + "]"));
	}
	for (int i = 0; i < 700; i++)
		expired.push_back(make(begin + 300 * kDay + i, 1, 0,
							   "[[\"expiration\",\"" + std::to_string(now - kDay) + "\"]]"));
	for (int i = 0; i < 600; i++)
		other_notes.push_back(make(begin + i * 57000, 1));
	for (int i = 0; i < 40; i++)
		fresh.push_back(make(now - i, 1));
}

} // namespace simulator
