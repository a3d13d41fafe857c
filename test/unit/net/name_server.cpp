#include "name_server.h"

#include <stdexcept>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

constexpr size_t kHeader = 12;
constexpr char kServerFailure = 2, kNoSuchName = 3;
constexpr char kAddress4 = 1, kAlias = 5, kAddress6 = 28; // types A, CNAME, AAAA

NameServer::NameServer(Names names, bool running)
	: fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), names_(std::move(names))
{
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof address;
	if (bind(fd_, reinterpret_cast<sockaddr *>(&address), size) != 0)
		throw std::runtime_error("could not bind a name server");
	getsockname(fd_, reinterpret_cast<sockaddr *>(&address), &size);
	address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
	if (running)
		start();
}

void
NameServer::start()
{
	thread_ = std::thread([this] { serve(); });
}

NameServer::~NameServer()
{
	shutdown(fd_, SHUT_RDWR);
	thread_.join();
	close(fd_);
}

void
NameServer::serve()
{
	char query[512];
	for (;;) {
		sockaddr_in from{};
		socklen_t size = sizeof from;
		ssize_t got =
			recvfrom(fd_, query, sizeof query, 0, reinterpret_cast<sockaddr *>(&from), &size);
		if (got <= 0)
			return;
		if (size_t(got) < kHeader)
			continue;
		{
			std::lock_guard lock(mutex_);
			askers_.push_back(ntohs(from.sin_port));
		}
		std::string reply = answer(std::string(query, size_t(got)));
		if (!reply.empty())
			sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr *>(&from), size);
	}
}

void
NameServer::change(const std::string &name, std::vector<std::string> addresses)
{
	std::lock_guard lock(mutex_);
	names_[name] = std::move(addresses);
}

std::vector<uint16_t>
NameServer::askers() const
{
	std::lock_guard lock(mutex_);
	return askers_;
}

std::string
NameServer::answer(std::string query) const
{
	std::string name;
	size_t at = kHeader;
	while (query.at(at) != 0) {
		size_t length = uint8_t(query[at]);
		name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
		at += length + 1;
	}
	const char type = query.at(at + 2);
	std::string reply = query.substr(0, at + 5);
	reply[2] = '\x81'; // an answer, recursion was wanted
	reply[3] = '\x80'; // and is available
	for (size_t i = 6; i < kHeader; i++)
		reply[i] = 0;
	std::lock_guard lock(mutex_);
	auto found = names_.find(name);
	if (found == names_.end()) {
		reply[3] = char('\x80' | kNoSuchName);
		return reply;
	}
	for (const std::string &address : found->second) {
		if (address.empty())
			return "";
		if (address == kFails) {
			reply[3] = char('\x80' | kServerFailure);
			return reply;
		}
	}
	add_records(name, type, reply);
	return reply;
}

static std::string
encoded(const std::string &name)
{
	std::string out;
	for (size_t at = 0; at < name.size(); at = name.find('.', at) + 1) {
		const size_t length = name.find('.', at) - at;
		out += char(length) + name.substr(at, length);
	}
	return out + '\0';
}

/* `name` as the table has it, which need not be the name that was asked for. */
void
NameServer::add_records(const std::string &name, char type, std::string &reply) const
{
	const auto found = names_.find(name);
	if (found == names_.end())
		return;
	auto add = [&](char of_type, const std::string &data) {
		reply[7]++;
		/* Name, type, IN, seconds to keep it, size, data. */
		reply += encoded(name + ".") + '\0' + of_type + std::string("\0\x01", 2);
		for (int shift = 24; shift >= 0; shift -= 8)
			reply += char(ttl_ >> shift);
		reply += '\0' + std::string(1, char(data.size())) + data;
	};
	for (const std::string &address : found->second) {
		if (address.ends_with('.')) {
			add(kAlias, encoded(address));
			add_records(address.substr(0, address.size() - 1), type, reply);
			continue;
		}
		const bool six = address.find(':') != std::string::npos;
		if (type != (six ? kAddress6 : kAddress4))
			continue;
		char bytes[16];
		inet_pton(six ? AF_INET6 : AF_INET, address.c_str(), bytes);
		add(type, std::string(bytes, six ? 16 : 4));
	}
}

} // namespace test
