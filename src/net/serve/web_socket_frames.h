/* The server's side of WebSocket (RFC 6455), without extensions and without I/O. */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace net {

/* The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key; "" if the key is malformed. */
std::string web_socket_accept(std::string_view key);

enum class Opcode : uint8_t
{
	Continuation = 0,
	Text = 1,
	Binary = 2,
	Close = 8,
	Ping = 9,
	Pong = 10
};

/* A frame from the server: unfragmented and unmasked. */
std::string web_socket_frame(Opcode opcode, std::string_view payload);
std::string web_socket_close(uint16_t code, std::string_view reason);

/* Joins the frames of a client to messages. */
class WebSocketReader
{
  public:
	explicit WebSocketReader(size_t max_message) : max_message_(max_message) {}

	struct Message
	{
		Opcode opcode = Opcode::Text; // Text (valid UTF-8), Close, Ping, Pong
		std::string payload;
	};

	/* Why the connection must be closed: code and reason of the close frame. */
	struct Fault
	{
		uint16_t code = 1002;
		const char *reason = "";
	};

	void take(std::string_view bytes) { input_ += bytes; }
	std::optional<Message> next();
	const std::optional<Fault> &fault() const { return fault_; }

  private:
	std::optional<Message> refuse(uint16_t code, const char *reason);

	const size_t max_message_; // bytes
	std::string input_;
	size_t read_ = 0;     // bytes of input_ already processed
	std::string message_; // fragments so far
	bool fragmented_ = false;
	std::optional<Fault> fault_;
};

} // namespace net
