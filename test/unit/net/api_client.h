/* What tests of the API send and read as its clients. */
#pragma once

#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api_server.h"

namespace test {

inline std::string
body_of(const std::string &answer)
{
	size_t end = answer.find("\r\n\r\n");
	return end == std::string::npos ? "" : answer.substr(end + 4);
}

inline int
status_of(const std::string &answer)
{
	return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0;
}

inline std::string
header_of(const std::string &answer, const std::string &name)
{
	size_t begin = answer.find("\r\n" + name + ": ");
	if (begin == std::string::npos)
		return "";
	begin += name.size() + 4;
	return answer.substr(begin, answer.find('\r', begin) - begin);
}

/* A client of the relay. */
class Socket
{
  public:
	explicit Socket(const ApiServer &server) : fd_(server.connect())
	{
		send_bytes(
			"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
		std::string head;
		for (char c; !head.ends_with("\r\n\r\n") && recv(fd_, &c, 1, 0) == 1;)
			head += c;
		EXPECT_EQ(status_of(head), 101) << head;
		EXPECT_EQ(header_of(head, "Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	}
	~Socket() { close(fd_); }

	void say(const std::string &text, uint8_t first = 0x81)
	{
		std::string frame(1, static_cast<char>(first));
		if (text.size() < 126) {
			frame += static_cast<char>(0x80 | text.size());
		} else {
			frame += static_cast<char>(0x80 | 126);
			frame += static_cast<char>(text.size() >> 8);
			frame += static_cast<char>(text.size());
		}
		frame += std::string(4, '\0') + text; // a mask of zeros changes nothing
		send_bytes(frame);
	}
	void send_bytes(const std::string &bytes)
	{
		EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), ssize_t(bytes.size()));
	}
	/* The payload of the next frame; "" at the end. */
	std::string hear()
	{
		std::string head = read(2);
		if (head.size() < 2)
			return "";
		opcode = static_cast<uint8_t>(head[0]) & 0x0f;
		size_t size = static_cast<uint8_t>(head[1]);
		if (size >= 126) {
			std::string length = read(size == 126 ? 2 : 8);
			size = 0;
			for (char c : length)
				size = size << 8 | static_cast<uint8_t>(c);
		}
		return read(size);
	}

	int opcode = 0;

  private:
	std::string read(size_t size)
	{
		std::string out;
		while (out.size() < size) {
			char piece[4096];
			ssize_t got = recv(fd_, piece, std::min(sizeof piece, size - out.size()), 0);
			if (got <= 0)
				break;
			out.append(piece, size_t(got));
		}
		return out;
	}
	int fd_;
};

} // namespace test
