/*
 * What the relays of bigbrotr-relay_stub serve: generated events or those of a file, in memory.
 */
#pragma once

#include <algorithm>
#include <deque>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "corpus.h"
#include "nostr/event.h"
#include "stub_options.h"

namespace stub {

struct Stored
{
	int64_t created_at;
	nostr::Id id;
	std::string body; // the event's JSON and the "]" that ends its message
};

/* What the relays hold. Each relay's index is oldest first. */
struct Corpus
{
	std::deque<Stored> events;
	std::vector<std::vector<uint32_t>> relays;
};

inline Stored
store(const nostr::Event &event, std::string line)
{
	return {event.created_at, event.id, std::move(line += "]")};
}

inline Corpus
make_corpus(const Options &options)
{
	Corpus corpus;
	size_t step = options.events * (100 - options.overlap) / 100;
	nostr::EventParser parser;
	nostr::Event event;
	if (!options.file.empty()) {
		std::ifstream in(options.file);
		if (!in)
			throw std::runtime_error("cannot read " + options.file);
		for (std::string line; std::getline(in, line);) {
			if (parser.parse(line, event) != nostr::Reject::None)
				throw std::runtime_error("no valid event: " + line.substr(0, 200));
			corpus.events.push_back(store(event, std::move(line)));
		}
		step = 0;
	} else {
		size_t total = options.events + step * (options.relays - 1);
		CorpusGenerator generator(options.seed, 400, static_cast<int64_t>(total));
		while (total-- > 0) {
			event = generator.next();
			std::string line = corpus::to_line(event, generator.random().chance(0.5));
			corpus.events.push_back(store(event, std::move(line)));
		}
	}
	size_t each = options.file.empty() ? options.events : corpus.events.size();
	for (size_t r = 0; r < options.relays; r++) {
		std::vector<uint32_t> index(each);
		for (size_t i = 0; i < each; i++)
			index[i] = static_cast<uint32_t>(r * step + i);
		std::sort(index.begin(), index.end(), [&](uint32_t a, uint32_t b) {
			const Stored &x = corpus.events[a], &y = corpus.events[b];
			return x.created_at != y.created_at ? x.created_at < y.created_at : x.id > y.id;
		});
		corpus.relays.push_back(std::move(index));
	}
	return corpus;
}

} // namespace stub
