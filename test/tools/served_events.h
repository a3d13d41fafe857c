/*
 * What the relays of bigbrotr-relay_stub serve: generated events or those of a file, in memory.
 */
#pragma once

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "corpus.h"
#include "nostr/event.h"

namespace stub {

struct Options
{
	size_t events = 10000; // per relay
	uint64_t seed = 1;
	size_t relays = 1;
	size_t overlap = 0; // percent of a relay's events that the relay before it has too
	size_t cap = 5000;  // events of one page at most, whatever `limit` says
	size_t rate = 0;    // events per second and connection; 0: as fast as they are read
	uint16_t port = 0;  // 0: any free one
	std::string file;   // JSON lines to serve instead of a generated corpus, by every relay
	std::string list;   // write "relay TAB created_at TAB id" of all that is served
};

struct Stored
{
	int64_t created_at;
	nostr::Id id;
	std::string body; // the event's JSON and the "]" that ends its message
};

/* What the relays hold. Each relay's index is newest first. */
struct Corpus
{
	std::vector<Stored> events;
	std::vector<std::vector<uint32_t>> relays;
};

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
			corpus.events.push_back({event.created_at, event.id, std::move(line += "]")});
		}
		step = 0;
	} else {
		size_t total = options.events + step * (options.relays - 1);
		CorpusGenerator generator(options.seed, 400, static_cast<int64_t>(total));
		while (total-- > 0) {
			event = generator.next();
			std::string line = corpus::to_line(event, generator.random().chance(0.5));
			corpus.events.push_back({event.created_at, event.id, std::move(line += "]")});
		}
	}
	size_t each = options.file.empty() ? options.events : corpus.events.size();
	for (size_t r = 0; r < options.relays; r++) {
		std::vector<uint32_t> index(each);
		for (size_t i = 0; i < each; i++)
			index[i] = static_cast<uint32_t>(r * step + i);
		std::sort(index.begin(), index.end(), [&](uint32_t a, uint32_t b) {
			const Stored &x = corpus.events[a], &y = corpus.events[b];
			return x.created_at != y.created_at ? x.created_at > y.created_at : x.id < y.id;
		});
		corpus.relays.push_back(std::move(index));
	}
	return corpus;
}

inline void
write_list(const Corpus &corpus, const std::string &path)
{
	std::ofstream out(path);
	for (size_t r = 0; r < corpus.relays.size(); r++)
		for (uint32_t i : corpus.relays[r]) {
			const Stored &event = corpus.events[i];
			out << r << '\t' << event.created_at << '\t'
				<< nostr::to_hex(event.id.data(), event.id.size()) << '\n';
		}
	if (!out.flush())
		throw std::runtime_error("cannot write " + path);
}

} // namespace stub
