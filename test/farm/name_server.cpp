#include "name_server.h"

#include <arpa/inet.h>

namespace farm {

constexpr size_t kHeader = 12;
constexpr char kAnswer = '\x81', kRecursive = '\x80';
constexpr char kServerFailure = 2, kNoSuchName = 3;
constexpr char kAddress = 1; // type A

std::optional<std::string>
NameServer::answer(std::string_view query) const
{
	std::string name;
	size_t at = kHeader;
	while (at < query.size() && query[at] != 0) {
		const auto length = static_cast<unsigned char>(query[at]);
		name += name.empty() ? "" : ".";
		name += query.substr(at + 1, length);
		at += length + 1;
	}
	if (at + 5 > query.size())
		return {};
	std::string reply(query.substr(0, at + 5));
	reply[2] = kAnswer;
	reply[3] = kRecursive;
	for (size_t i = 6; i < kHeader; i++)
		reply[i] = 0;
	const auto found = relays_.find(name);
	const Kind kind = found == relays_.end() ? Kind::NoSuchName : found->second->kind;
	switch (kind) {
	case Kind::SilentName:
		return {};
	case Kind::NoSuchName:
		reply[3] = char(kRecursive | kNoSuchName);
		return reply;
	case Kind::FailingName:
		reply[3] = char(kRecursive | kServerFailure);
		return reply;
	default:
		break;
	}
	if (query[at + 2] != kAddress)
		return reply;
	in_addr bytes{};
	inet_pton(AF_INET, found->second->address.c_str(), &bytes);
	reply[7] = 1; // one answer: pointer to the name, A, IN, 60 s, 4 bytes
	reply += std::string("\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04", 12);
	reply += std::string(reinterpret_cast<char *>(&bytes), sizeof bytes);
	return reply;
}

} // namespace farm
