/*
 * bigbrotr-simulator: many relays at once, each hard to archive in its own way, and the events that
 * a stranger can get from each.
 *
 *   bigbrotr-simulator --list FILE [--seed S] [--first N] [--count N] [--switches NAME,NAME,...]
 *                      [--date-off SECONDS]
 *
 * Prints one line of JSON when it listens. The list gets a line of JSON for each relay. Then takes
 * commands from standard input, one a line, and answers each with a line of JSON:
 *   change        the first pass is over: relays that change do it now
 *   truth FILE    writes what strangers are served: URL, created_at, id, class, since; tabs between
 *   requests      how many REQ have come
 * Ends with its standard input. --switches given: it prints all switches and what they mean.
 */
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <stdexcept>

#include "relay.h"
#include "scenario.h"
#include "server.h"

namespace {

using namespace simulator;

struct Options
{
	uint64_t seed = 1, first = 0, count = 200;
	int64_t date_off = 0; // of all relays
	std::string list;
	std::vector<std::string> only;
};

Options
parse_options(int argc, char **argv)
{
	Options options;
	std::map<std::string, uint64_t *> numbers = {
		{"--seed", &options.seed}, {"--first", &options.first}, {"--count", &options.count}};
	for (int i = 1; i + 1 < argc; i += 2) {
		std::string name = argv[i], value = argv[i + 1];
		if (name == "--list")
			options.list = value;
		else if (name == "--date-off")
			options.date_off = std::stoll(value);
		else if (name == "--switches")
			for (size_t at = 0, end; at <= value.size(); at = end + 1) {
				end = std::min(value.find(',', at), value.size());
				options.only.push_back(value.substr(at, end - at));
			}
		else if (numbers.contains(name))
			*numbers[name] = std::stoull(value);
		else
			throw std::invalid_argument("unknown option " + name);
	}
	if (options.list.empty() || argc % 2 == 0)
		throw std::invalid_argument("usage: bigbrotr-simulator --list FILE [--seed S] [--first N] "
									"[--count N] [--switches NAME,NAME,...] [--date-off SECONDS]");
	return options;
}

struct Stage
{
	std::vector<Scenario> scenarios;
	std::vector<std::unique_ptr<Relay>> relays; // of the scenarios, then hostile ones beside them
};

Stage
make_stage(const Options &options, const Pool &pool)
{
	Stage stage;
	for (uint64_t i = 0; i < options.count; i++)
		stage.scenarios.push_back(
			make_scenario(options.seed, options.first + i, pool, options.only));
	for (Scenario &scenario : stage.scenarios)
		scenario.behaviour.date_off += options.date_off;
	for (const Scenario &scenario : stage.scenarios)
		stage.relays.push_back(std::make_unique<Relay>(pool, scenario.behaviour, scenario.events,
													   scenario.late, scenario.seed));
	for (const Scenario &scenario : stage.scenarios)
		if (scenario.poisoned) {
			Behaviour hostile;
			hostile.forged_only = true;
			stage.relays.push_back(
				std::make_unique<Relay>(pool, hostile, scenario.events, Numbers(), scenario.seed));
		}
	return stage;
}

void
write_list(const Stage &stage, const Server &server, const std::string &file)
{
	std::ofstream list(file);
	for (size_t i = 0; i < stage.relays.size(); i++) {
		const Scenario *scenario = i < stage.scenarios.size() ? &stage.scenarios[i] : nullptr;
		list << "{\"url\":\"" << server.url(i) << "\",\"judged\":" << (scenario ? "true" : "false");
		if (scenario) {
			list << ",\"scenario\":" << scenario->number << ",\"cap\":" << scenario->behaviour.cap
				 << ",\"held\":" << scenario->events.size() << ",\"switches\":[";
			for (size_t s = 0; s < scenario->switches.size(); s++)
				list << (s ? ",\"" : "\"") << scenario->switches[s] << '"';
			list << "]";
		}
		list << "}\n";
	}
	if (!list.flush())
		throw std::runtime_error("cannot write " + file);
}

size_t
write_truth(const Stage &stage, const Server &server, const Pool &pool, const std::string &file)
{
	static constexpr const char *classes[] = {"served", "private", "beyond_limits", "gone",
											  "unaskable"};
	std::ofstream out(file);
	size_t lines = 0;
	for (size_t i = 0; i < stage.scenarios.size(); i++)
		for (const Truth &one : stage.relays[i]->truth()) {
			const Stored &event = pool[one.number];
			out << server.url(i) << '\t' << event.created_at << "\t\\\\x"
				<< nostr::to_hex(event.id.data(), event.id.size()) << '\t'
				<< classes[size_t(one.served)] << '\t' << one.since << '\n';
			lines++;
		}
	if (!out.flush())
		throw std::runtime_error("cannot write " + file);
	return lines;
}

} // namespace

int
main(int argc, char **argv)
{
	try {
		if (argc == 2 && strcmp(argv[1], "--switches") == 0) {
			for (const Switch &one : switches())
				printf("%-20s %s\n", one.name, one.meaning);
			return 0;
		}
		Options options = parse_options(argc, argv);
		Pool pool(options.seed, time(nullptr));
		Stage stage = make_stage(options, pool);
		Server server(pool, stage.relays);
		write_list(stage, server, options.list);
		printf("{\"relays\":%zu,\"events\":%zu}\n", stage.relays.size(), pool.size());
		fflush(stdout);
		server.run([&](const std::string &command) {
			if (command == "change") {
				server.change();
				printf("{\"changed\":true}\n");
			} else if (command.starts_with("truth ")) {
				printf("{\"truth\":%zu}\n", write_truth(stage, server, pool, command.substr(6)));
			} else if (command == "requests") {
				printf("{\"requests\":%llu}\n", static_cast<unsigned long long>(server.requests()));
			} else {
				printf("{\"error\":\"unknown command\"}\n");
			}
			fflush(stdout);
		});
	} catch (const std::exception &error) {
		fprintf(stderr, "bigbrotr-simulator: %s\n", error.what());
		return 1;
	}
	return 0;
}
