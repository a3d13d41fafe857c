/*
 * The server's side of a set reconciliation (NIP-77), for clients that are not ours.
 *
 *     bigbrotr-negentropy_server [FRAME LIMIT]
 *
 * Reads records, "TIME ID" each on a line, up to an empty line; then messages in hexadecimal, and
 * answers each with one, or with what is wrong with it.
 */
#include <cstdlib>
#include <iostream>
#include <string>

#include "nostr/negentropy.h"

namespace {

std::string
bytes_of(std::string_view hex)
{
	std::string bytes(hex.size() / 2, '\0');
	if (!nostr::from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size()))
		bytes.clear();
	return bytes;
}

} // namespace

int
main(int argc, char **argv)
{
	const size_t frame_limit = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
	nostr::negentropy::RecordSet set;
	std::string line, reply;
	while (std::getline(std::cin, line) && !line.empty()) {
		const size_t space = line.find(' ');
		nostr::Id id;
		if (space == line.npos ||
			!nostr::from_hex(std::string_view(line).substr(space + 1), id.data(), id.size()))
			return std::cerr << "no record: " << line << "\n", 2;
		set.add(std::atoll(line.c_str()), id);
	}
	set.seal();
	while (std::getline(std::cin, line)) {
		auto fault = nostr::negentropy::answer(set, frame_limit, bytes_of(line), reply);
		if (fault == nostr::negentropy::Fault::None)
			std::cout << nostr::to_hex(reinterpret_cast<const uint8_t *>(reply.data()),
									   reply.size())
					  << std::endl;
		else
			std::cout << nostr::negentropy::fault_text(fault) << std::endl;
	}
}
