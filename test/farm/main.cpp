/*
 * bigbrotr-farm: thousands of relays for a monitor, of many kinds, most of them dead, and what the
 * monitor should find.
 *
 *   bigbrotr-farm --authority FILE --truth FILE [--relays N] [--seed S] [--kinds NAME,NAME,…]
 *                 [--documents FILE,FILE,…] [--port N]
 *
 * The first file gets the certificate that the monitor is to trust, the second one a line for each
 * relay, tabs between: URL, kind, status after the first visit, reason of that visit, which
 * time-out it waits for (none, connect, response), delay of each answer in milliseconds, and of the
 * last visit, in microseconds from the arrival of the request to the answer: WebSocket handshake,
 * question; -1: none. --kinds: these kinds only, in turn; --documents: the NIP-11 documents of the
 * first relays; --port: the first of three ports, else some that are free.
 *
 * Prints one line of JSON when it listens: the address of its name server, its process. Each line
 * of standard input has it write the second file again, and print such a line; it ends with its
 * standard input, unless that is a file.
 */
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include <unistd.h>

#include "certificates.h"
#include "server.h"

namespace {

using namespace farm;

struct Options
{
	uint64_t seed = 1;
	size_t relays = 1000;
	std::string authority, truth;
	uint16_t port = 0;
	std::vector<std::string> kinds, documents;
};

std::vector<std::string>
split(const std::string &text)
{
	std::vector<std::string> parts;
	for (size_t at = 0, end; at <= text.size(); at = end + 1) {
		end = std::min(text.find(',', at), text.size());
		parts.push_back(text.substr(at, end - at));
	}
	return parts;
}

Options
parse_options(int argc, char **argv)
{
	Options options;
	for (int i = 1; i + 1 < argc; i += 2) {
		const std::string name = argv[i], value = argv[i + 1];
		if (name == "--authority")
			options.authority = value;
		else if (name == "--truth")
			options.truth = value;
		else if (name == "--port")
			options.port = uint16_t(std::stoul(value));
		else if (name == "--relays")
			options.relays = std::stoull(value);
		else if (name == "--seed")
			options.seed = std::stoull(value);
		else if (name == "--kinds")
			options.kinds = split(value);
		else if (name == "--documents")
			options.documents = split(value);
		else
			throw std::invalid_argument("unknown option " + name);
	}
	if (options.authority.empty() || options.truth.empty() || argc % 2 == 0)
		throw std::invalid_argument("usage: bigbrotr-farm --authority FILE --truth FILE "
									"[--relays N] [--seed S] [--kinds NAME,…] "
									"[--documents FILE,…] [--port N]");
	return options;
}

void
write_truth(const std::vector<Relay> &relays, const std::string &file)
{
	static constexpr const char *waits[] = {"none", "connect", "response"};
	std::ofstream out(file);
	for (const Relay &relay : relays) {
		const Traits &known = traits(relay.kind);
		out << relay.url << '\t' << known.name << '\t' << known.status << '\t' << known.reason
			<< '\t' << waits[size_t(known.wait)] << '\t' << relay.delay_ms << '\t' << relay.open_us
			<< '\t' << relay.read_us << '\n';
	}
	if (!out.flush())
		throw std::runtime_error("cannot write " + file);
}

void
run(const Options &options)
{
	std::vector<Relay> relays = make_relays(options.seed, options.relays, options.kinds);
	for (size_t i = 0; i < std::min(relays.size(), options.documents.size()); i++) {
		std::ifstream file(options.documents[i], std::ios::binary);
		if (!file)
			throw std::runtime_error("cannot read " + options.documents[i]);
		relays[i].document.emplace(std::istreambuf_iterator<char>(file),
								   std::istreambuf_iterator<char>());
	}
	prepare_answers();
	const Certificates certificates;
	certificates.write_authority(options.authority);
	Server server(relays, certificates, options.port);
	auto tell = [&] {
		write_truth(relays, options.truth);
		printf("{\"name_server\": \"%s\", \"pid\": %d}\n", server.name_server().c_str(), getpid());
		fflush(stdout);
	};
	tell();
	server.run(tell);
}

} // namespace

int
main(int argc, char **argv)
{
	try {
		run(parse_options(argc, argv));
	} catch (const std::exception &error) {
		fprintf(stderr, "farm: %s\n", error.what());
		return 1;
	}
	return 0;
}
