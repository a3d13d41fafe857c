#include "scripted_proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

std::string
Client::read(size_t bytes)
{
	std::string out(bytes, '\0');
	if (recv(fd_, out.data(), bytes, MSG_WAITALL) != ssize_t(bytes))
		throw ConnectionGone();
	return out;
}

std::string
Client::read_until(std::string_view end)
{
	std::string out;
	while (!out.ends_with(end))
		out += read(1);
	return out;
}

void
Client::send(std::string_view bytes)
{
	while (!bytes.empty()) {
		ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
		if (sent <= 0)
			throw ConnectionGone();
		bytes.remove_prefix(size_t(sent));
	}
}

void
Client::linger()
{
	for (;;)
		read(1);
}

static sockaddr_in
loopback(uint16_t port)
{
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(port);
	return address;
}

void
Client::pass_on(uint16_t port)
{
	int relay = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in address = loopback(port);
	bool going = connect(relay, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
	pollfd ends[] = {{fd_, POLLIN, 0}, {relay, POLLIN, 0}};
	char bytes[4096];
	while (going && poll(ends, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			if (ends[i].revents == 0)
				continue;
			ssize_t got = recv(ends[i].fd, bytes, sizeof bytes, 0);
			going =
				going && got > 0 && ::send(ends[1 - i].fd, bytes, size_t(got), MSG_NOSIGNAL) == got;
		}
	close(relay);
}

ScriptedProxy::ScriptedProxy(Script script)
	: script_(std::move(script)), server_([this](int fd) {
		  Client client(fd);
		  script_(client);
	  })
{
}

ScriptedProxy::Script
socks5(uint16_t port, Asked &asked)
{
	return [port, &asked](Client &client) {
		client.read(4); // version, two methods
		client.send(std::string("\5\2", 2));
		client.read(1);
		auto counted = [&] { return client.read(uint8_t(client.read(1)[0])); };
		std::string user = counted();
		counted();
		client.send(std::string("\1\0", 2));
		client.read(4);
		std::string host = counted(), digits = client.read(2);
		asked.add(user + ">" + host + ":" +
				  std::to_string(uint8_t(digits[0]) << 8 | uint8_t(digits[1])));
		client.send(std::string("\5\0\0\1\0\0\0\0\0\0", 10));
		client.pass_on(port);
	};
}

ScriptedProxy::Script
http_connect(uint16_t port, Asked &asked)
{
	return [port, &asked](Client &client) {
		asked.add(client.read_until("\r\n\r\n"));
		client.send("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
		client.pass_on(port);
	};
}

} // namespace test
