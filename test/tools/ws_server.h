/*
 * The server's end of WebSocket (RFC 6455), as far as test relays need it: handshake, frame headers
 * and reading client messages. No extensions, no TLS. Bytes in, values out; sockets are the
 * caller's.
 */
#pragma once

#include <cctype>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace ws {

enum Opcode : uint8_t
{
	Text = 1,
	Binary = 2,
	Close = 8,
	Ping = 9,
	Pong = 10
};

struct Request
{
	std::string path;
	std::string key; // Sec-WebSocket-Key; empty if this is no WebSocket handshake
};

/* The request head up to and including the empty line; nothing yet if it is not whole. Cuts it off
 * `in`. */
inline std::optional<Request>
take_request(std::string &in)
{
	size_t end = in.find("\r\n\r\n");
	if (end == std::string::npos)
		return {};
	std::string head = in.substr(0, end + 2);
	in.erase(0, end + 4);
	Request request;
	size_t space = head.find(' ');
	size_t space2 = head.find(' ', space + 1);
	if (space != std::string::npos && space2 != std::string::npos)
		request.path = head.substr(space + 1, space2 - space - 1);
	std::string lower = head;
	for (char &c : lower)
		c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
	static constexpr std::string_view name = "\r\nsec-websocket-key:";
	size_t at = lower.find(name);
	if (at != std::string::npos) {
		size_t from = head.find_first_not_of(' ', at + name.size());
		request.key = head.substr(from, head.find("\r\n", from) - from);
	}
	return request;
}

inline std::string
accept_response(std::string_view key)
{
	std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[SHA_DIGEST_LENGTH], base64[32];
	SHA1(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest);
	EVP_EncodeBlock(base64, digest, sizeof digest);
	return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		   "Sec-WebSocket-Accept: " +
		   std::string(reinterpret_cast<char *>(base64)) + "\r\n\r\n";
}

/* Writes the header of an unmasked, final frame to `out` (room for 10 bytes); returns its size. */
inline size_t
frame_header(Opcode opcode, uint64_t length, char *out)
{
	out[0] = static_cast<char>(0x80 | opcode);
	if (length < 126) {
		out[1] = static_cast<char>(length);
		return 2;
	}
	int bytes = length < 65536 ? 2 : 8;
	out[1] = bytes == 2 ? 126 : 127;
	for (int i = 0; i < bytes; i++)
		out[2 + i] = static_cast<char>(length >> 8 * (bytes - 1 - i));
	return 2 + bytes;
}

inline std::string
frame(Opcode opcode, std::string_view payload)
{
	char header[10];
	std::string out(header, frame_header(opcode, payload.size(), header));
	return out += payload;
}

struct Message
{
	Opcode opcode;
	std::string payload;
};

/* Cuts client frames out of a byte stream and joins fragments. */
class Reader
{
  public:
	/* The next whole message or control frame, cut off `in`; nothing if there is none yet. */
	std::optional<Message> take(std::string &in)
	{
		while (in.size() >= 2) {
			auto byte = [&](size_t i) { return static_cast<uint8_t>(in[i]); };
			size_t header = 2;
			uint64_t length = byte(1) & 0x7f;
			int extra = length == 126 ? 2 : length == 127 ? 8 : 0;
			bool masked = byte(1) & 0x80;
			if (in.size() < header + extra + (masked ? 4 : 0))
				return {};
			if (extra) {
				length = 0;
				for (int i = 0; i < extra; i++)
					length = length << 8 | byte(header++);
			}
			char mask[4] = {};
			if (masked) {
				memcpy(mask, in.data() + header, 4);
				header += 4;
			}
			if (in.size() - header < length)
				return {};
			std::string payload = in.substr(header, length);
			for (size_t i = 0; i < payload.size(); i++)
				payload[i] ^= mask[i & 3];
			bool final = byte(0) & 0x80;
			auto opcode = static_cast<Opcode>(byte(0) & 0x0f);
			in.erase(0, header + length);
			if (opcode >= Close)
				return Message{opcode, std::move(payload)};
			if (opcode != 0)
				opcode_ = opcode;
			partial_ += payload;
			if (final)
				return Message{opcode_, std::exchange(partial_, {})};
		}
		return {};
	}

  private:
	Opcode opcode_ = Text;
	std::string partial_;
};

} // namespace ws
