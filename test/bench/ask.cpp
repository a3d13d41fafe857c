/*
 * bigbrotr-ask PORT WAY [LIMIT]
 *
 * Asks a relay on 127.0.0.1 over one WebSocket, one question after the other, and prints how long
 * that took as one line of JSON.
 *
 * WAY   pages: reads everything, newest first, LIMIT events at a time: events, seconds
 *       ids: asks for each id of standard input by itself: asked, found, median_ms, p99_ms
 *       negentropy: compares the records of standard input ("TIME ID" each on a line) with the
 *       relay's, and does not fetch what is missing: seconds, have, need
 */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"
#include "nostr/message.h"
#include "nostr/negentropy.h"

namespace {

class Relay
{
  public:
	explicit Relay(uint16_t port) : fd_(connect_to(port))
	{
		write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
		while (input_.find("\r\n\r\n") == std::string::npos)
			read();
		if (!input_.starts_with("HTTP/1.1 101 "))
			throw std::runtime_error("no handshake: " + input_.substr(0, 100));
		input_.erase(0, input_.find("\r\n\r\n") + 4);
	}
	~Relay() { close(fd_); }
	Relay(const Relay &) = delete;

	void say(const std::string &text)
	{
		std::string frame = "\x81";
		const size_t size = text.size();
		if (size < 126) {
			frame += char(0x80 | size);
		} else if (size < 65536) {
			frame += char(0x80 | 126);
			frame += char(size >> 8);
			frame += char(size);
		} else {
			frame += char(0x80 | 127);
			for (int i = 8; i-- > 0;)
				frame += char(size >> 8 * i);
		}
		write(frame + std::string(4, '\0') + text); // a mask of zeros changes nothing
	}

	/* The next message, valid until the next call. */
	std::string_view hear()
	{
		for (;;) {
			auto have = [&](size_t size) {
				while (input_.size() - read_ < size)
					read();
			};
			have(2);
			const auto first = uint8_t(input_[read_]);
			size_t size = uint8_t(input_[read_ + 1]), head = 2;
			const size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
			have(head + more);
			if (more > 0) {
				size = 0;
				for (size_t i = 0; i < more; i++)
					size = size << 8 | uint8_t(input_[read_ + 2 + i]);
				head += more;
			}
			have(head + size);
			std::string_view payload = std::string_view(input_).substr(read_ + head, size);
			read_ += head + size;
			if ((first & 0x0f) == 1)
				return payload;
			if ((first & 0x0f) == 8)
				throw std::runtime_error("the relay has closed");
		}
	}

  private:
	void write(const std::string &bytes)
	{
		for (size_t sent = 0; sent < bytes.size();) {
			ssize_t size = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
			if (size <= 0)
				throw std::runtime_error("cannot send");
			sent += size_t(size);
		}
	}
	/* Only when all that is there does not do, so that views stay valid. */
	void read()
	{
		input_.erase(0, std::exchange(read_, 0));
		char piece[256 << 10];
		ssize_t size = recv(fd_, piece, sizeof piece, 0);
		if (size <= 0)
			throw std::runtime_error("the relay is gone");
		input_.append(piece, size_t(size));
	}

	const int fd_;
	std::string input_;
	size_t read_ = 0; // bytes of input_ that are done with
};

/* The digits behind the member of that name. */
int64_t
number(std::string_view json, std::string_view member)
{
	size_t at = json.find(member);
	return at == std::string_view::npos ? -1 : std::atoll(json.data() + at + member.size());
}

void
read_pages(Relay &relay, int limit)
{
	auto begin = Clock::now();
	int64_t events = 0, until = -1;
	std::set<std::string, std::less<>> boundary; // ids of the second `until`
	for (bool more = true; more;) {
		relay.say("[\"REQ\",\"p\",{" +
				  (until < 0 ? "" : "\"until\":" + std::to_string(until) + ",") +
				  "\"limit\":" + std::to_string(limit) + "}]");
		int64_t fresh = 0;
		for (;;) {
			std::string_view message = relay.hear();
			if (!message.starts_with("[\"EVENT\"")) {
				more = message.find("\"more\"") != std::string_view::npos;
				if (!message.starts_with("[\"EOSE\""))
					throw std::runtime_error(std::string(message.substr(0, 200)));
				break;
			}
			const int64_t created_at = number(message, "\"created_at\":");
			size_t id = message.find("\"id\":\"") + 6;
			if (created_at != until)
				boundary.clear();
			until = created_at;
			fresh += boundary.emplace(message.substr(id, 64)).second;
		}
		events += fresh;
		if (more && fresh == 0)
			throw std::runtime_error("one second has more events than a page");
	}
	std::printf("{\"events\": %lld, \"seconds\": %.3f}\n", static_cast<long long>(events),
				seconds_since(begin));
}

void
read_ids(Relay &relay)
{
	std::vector<double> times;
	size_t found = 0;
	for (std::string id; std::getline(std::cin, id);) {
		auto begin = Clock::now();
		relay.say("[\"REQ\",\"i\",{\"ids\":[\"" + id + "\"]}]");
		while (!relay.hear().starts_with("[\"EOSE\""))
			found++;
		times.push_back(seconds_since(begin) * 1000);
	}
	std::sort(times.begin(), times.end());
	if (times.empty())
		throw std::runtime_error("no ids");
	std::printf("{\"asked\": %zu, \"found\": %zu, \"median_ms\": %.3f, \"p99_ms\": %.3f}\n",
				times.size(), found, times[times.size() / 2], times[times.size() * 99 / 100]);
}

void
compare(Relay &relay)
{
	nostr::negentropy::RecordSet own;
	for (std::string line; std::getline(std::cin, line);) {
		nostr::Id id;
		const size_t space = line.find(' ');
		if (space == line.npos ||
			!nostr::from_hex(std::string_view(line).substr(space + 1), id.data(), id.size()))
			throw std::runtime_error("no record: " + line);
		own.add(std::atoll(line.c_str()), id);
	}
	auto begin = Clock::now();
	own.seal();
	nostr::negentropy::Client client(own, 60000, 10000000);
	relay.say("[\"NEG-OPEN\",\"n\",{},\"" + nostr::to_hex(client.first()) + "\"]");
	for (;;) {
		std::string_view message = relay.hear();
		constexpr std::string_view head = "[\"NEG-MSG\",\"n\",\"";
		if (!message.starts_with(head))
			throw std::runtime_error(std::string(message.substr(0, 200)));
		std::string_view hex = message.substr(head.size(), message.size() - head.size() - 2);
		std::string bytes(hex.size() / 2, '\0'), reply;
		nostr::from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size());
		auto fault = client.read(bytes, reply);
		if (fault != nostr::negentropy::Fault::None)
			throw std::runtime_error(nostr::negentropy::fault_text(fault));
		if (reply.empty())
			break;
		relay.say(nostr::neg_message("n", reply));
	}
	auto difference = client.take_difference();
	std::printf("{\"seconds\": %.3f, \"have\": %zu, \"need\": %zu}\n", seconds_since(begin),
				difference.have.size(), difference.need.size());
}

} // namespace

int
main(int argc, char **argv)
{
	try {
		if (argc < 3)
			throw std::runtime_error("usage: bigbrotr-ask PORT pages|ids|negentropy [LIMIT]");
		Relay relay(uint16_t(std::atoi(argv[1])));
		const std::string way = argv[2];
		if (way == "pages")
			read_pages(relay, argc > 3 ? std::atoi(argv[3]) : 500);
		else if (way == "ids")
			read_ids(relay);
		else if (way == "negentropy")
			compare(relay);
		else
			throw std::runtime_error("unknown way: " + way);
		return 0;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "bigbrotr-ask: %s\n", error.what());
		return 1;
	}
}
