/*
 * The options of bigbrotr-relay_stub.
 */
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace stub {

struct Options
{
	size_t events = 10000; // per relay
	uint64_t seed = 1;
	size_t relays = 1;
	size_t overlap = 0; // percent of a relay's events that the relay before it has too
	size_t cap = 5000;  // events of one page at most, whatever `limit` says
	size_t rate = 0;    // events per second and connection; 0: as fast as they are read
	size_t repeats = 0; // how often the last event of a connection's first page is sent again
	size_t publish = 0; // new events per second, of all relays together
	size_t copies = 1;  // relays that get each new event
	size_t delay = 0;   // milliseconds until a message of a client is heard
	size_t drop = 0;    // milliseconds between two ends of a connection, chosen at random; 0: never
	uint16_t port = 0;  // 0: any free one
	std::string file;   // JSON lines to serve instead of a generated corpus, by every relay
	std::string list;   // write there what is served, see Publisher
};

inline Options
parse_options(int argc, char **argv)
{
	Options options;
	std::map<std::string_view, size_t *> numbers = {
		{"--events", &options.events},   {"--relays", &options.relays},
		{"--rate", &options.rate},       {"--overlap", &options.overlap},
		{"--cap", &options.cap},         {"--seed", &options.seed},
		{"--repeats", &options.repeats}, {"--publish", &options.publish},
		{"--copies", &options.copies},   {"--delay", &options.delay},
		{"--drop", &options.drop}};
	for (int i = 1; i + 1 < argc; i += 2) {
		std::string_view name = argv[i];
		if (name == "--file")
			options.file = argv[i + 1];
		else if (name == "--list")
			options.list = argv[i + 1];
		else if (name == "--port")
			options.port = static_cast<uint16_t>(std::stoul(argv[i + 1]));
		else if (numbers.contains(name))
			*numbers[name] = std::stoul(argv[i + 1]);
		else
			throw std::invalid_argument("unknown option " + std::string(name));
	}
	if (argc % 2 == 0 || options.relays == 0 || options.overlap > 100)
		throw std::invalid_argument(
			"usage: bigbrotr-relay_stub [--events N] [--seed S] [--relays M] [--overlap PERCENT] "
			"[--cap N] [--rate EVENTS_PER_SECOND] [--repeats N] [--publish EVENTS_PER_SECOND] "
			"[--copies N] [--delay MS] [--drop MS] [--port P] [--file JSONL] [--list FILE]");
	return options;
}

} // namespace stub
