/*
 * What is new at the relays of bigbrotr-relay_stub: events that are made and signed at a rate, each
 * of which reaches some relays, each at a moment of its own within a second.
 */
#pragma once

#include <array>
#include <chrono>
#include <fstream>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "served_events.h"

namespace stub {

constexpr size_t kTicksPerSecond = 50;

/* An event, by its number in the corpus, that a relay has from now on. */
struct Arrival
{
	size_t relay;
	uint32_t event;
};

class Publisher
{
  public:
	/* The list gets a line for each event of each relay: relay, created_at, id and when it reached
	 * the relay (Unix milliseconds, 0: it was there from the beginning), with tabs between them. */
	Publisher(Corpus &corpus, const Options &options)
		: corpus_(corpus), options_(options), generator_(options.seed + 1)
	{
		if (!options.list.empty())
			list_.open(options.list);
		for (size_t relay = 0; relay < corpus.relays.size(); relay++)
			for (uint32_t number : corpus.relays[relay])
				list({relay, number}, 0);
		flush();
	}

	/* Call it kTicksPerSecond times a second. The corpus has what is returned. */
	std::vector<Arrival> tick()
	{
		tick_++;
		for (; !last_tick_ && made_ < options_.publish * tick_ / kTicksPerSecond; made_++)
			make_one();
		std::vector<Arrival> arrived = std::exchange(on_their_way_[tick_ % kTicksPerSecond], {});
		for (const Arrival &arrival : arrived) {
			insert(arrival);
			list(arrival, now_ms());
		}
		flush();
		return arrived;
	}

	/* Makes no more. */
	void end()
	{
		if (!last_tick_)
			last_tick_ = tick_ + kTicksPerSecond;
	}

	/* True once, when all that was made has reached its relays. */
	bool has_ended() const { return tick_ == last_tick_; }

	size_t made() const { return made_; }

  private:
	static int64_t now_ms()
	{
		using namespace std::chrono;
		return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
	}

	void make_one()
	{
		nostr::Event event = generator_.next_at(now_ms() / 1000);
		auto number = static_cast<uint32_t>(corpus_.events.size());
		corpus_.events.push_back(store(event, nostr::to_json(event)));
		corpus::Random &random = generator_.random();
		std::set<size_t> relays;
		while (relays.size() < std::min(options_.copies, corpus_.relays.size()))
			relays.insert(random.below(corpus_.relays.size()));
		for (size_t relay : relays)
			on_their_way_[random.below(kTicksPerSecond)].push_back({relay, number});
	}

	void insert(const Arrival &arrival)
	{
		std::vector<uint32_t> &index = corpus_.relays[arrival.relay];
		int64_t created_at = corpus_.events[arrival.event].created_at;
		auto older = [&](uint32_t i) { return corpus_.events[i].created_at <= created_at; };
		index.insert(std::partition_point(index.begin(), index.end(), older), arrival.event);
	}

	void list(const Arrival &arrival, int64_t reached_ms)
	{
		const Stored &event = corpus_.events[arrival.event];
		if (list_.is_open())
			list_ << arrival.relay << '\t' << event.created_at << '\t'
				  << nostr::to_hex(event.id.data(), event.id.size()) << '\t' << reached_ms << '\n';
	}

	void flush()
	{
		if (!options_.list.empty() && !list_.flush())
			throw std::runtime_error("cannot write " + options_.list);
	}

	Corpus &corpus_;
	const Options &options_;
	CorpusGenerator generator_;
	std::ofstream list_;
	uint64_t tick_ = 0;
	size_t made_ = 0;
	std::optional<uint64_t> last_tick_; // by which everything has reached its relays
	/* By tick: what reaches its relays then. */
	std::array<std::vector<Arrival>, kTicksPerSecond> on_their_way_;
};

} // namespace stub
