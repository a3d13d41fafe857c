#include "net/serve/web_socket_frames.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <simdjson.h>

#include "nostr/base64.h"

namespace net {
namespace {

constexpr uint8_t kFinal = 0x80, kMasked = 0x80;
constexpr size_t kMaxControl = 125; // payload limit of a control frame, bytes

uint64_t
big_endian(std::string_view bytes)
{
	uint64_t value = 0;
	for (char c : bytes)
		value = value << 8 | static_cast<uint8_t>(c);
	return value;
}

} // namespace

std::string
web_socket_accept(std::string_view key)
{
	/* The key is sixteen bytes in base64. */
	if (key.size() != 24 || !key.ends_with("=="))
		return "";
	std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
	EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
	return nostr::base64({reinterpret_cast<const char *>(digest.data()), digest.size()});
}

std::string
web_socket_frame(Opcode opcode, std::string_view payload)
{
	std::string frame;
	frame.reserve(payload.size() + 10);
	frame += static_cast<char>(kFinal | static_cast<uint8_t>(opcode));
	int length_bytes = 0;
	if (payload.size() < 126) {
		frame += static_cast<char>(payload.size());
	} else if (payload.size() < 1 << 16) {
		frame += static_cast<char>(126);
		length_bytes = 2;
	} else {
		frame += static_cast<char>(127);
		length_bytes = 8;
	}
	for (int i = length_bytes; i-- > 0;)
		frame += static_cast<char>(payload.size() >> 8 * i);
	frame += payload;
	return frame;
}

std::string
web_socket_close(uint16_t code, std::string_view reason)
{
	std::string payload;
	payload += static_cast<char>(code >> 8);
	payload += static_cast<char>(code);
	payload += reason.substr(0, kMaxControl - 2);
	return web_socket_frame(Opcode::Close, payload);
}

std::optional<WebSocketReader::Message>
WebSocketReader::refuse(uint16_t code, const char *reason)
{
	fault_ = Fault{code, reason};
	return std::nullopt;
}

std::optional<WebSocketReader::Message>
WebSocketReader::next()
{
	while (!fault_) {
		std::string_view rest = std::string_view(input_).substr(read_);
		if (read_ > 0 && (rest.empty() || read_ > 64 << 10)) {
			input_.erase(0, read_);
			read_ = 0;
			rest = input_;
		}
		if (rest.size() < 2)
			return std::nullopt;
		const auto first = static_cast<uint8_t>(rest[0]), second = static_cast<uint8_t>(rest[1]);
		const bool final = first & kFinal;
		const auto opcode = static_cast<Opcode>(first & 0x0f);
		if (first & 0x70)
			return refuse(1002, "reserved bits are set");
		if (!(second & kMasked))
			return refuse(1002, "the frame of a client has no mask");
		const bool control = opcode >= Opcode::Close;
		if (opcode > Opcode::Pong || (opcode > Opcode::Binary && !control))
			return refuse(1002, "unknown opcode");
		uint64_t size = second & 0x7f;
		if (control && (size > kMaxControl || !final))
			return refuse(1002, "a control frame is too long or has fragments");
		const size_t length_bytes = size == 126 ? 2 : size == 127 ? 8 : 0;
		if (rest.size() < 2 + length_bytes + 4)
			return std::nullopt;
		if (length_bytes > 0)
			size = big_endian(rest.substr(2, length_bytes));
		if (size > max_message_ || (!control && message_.size() + size > max_message_))
			return refuse(1009, "the message is too long");
		if (opcode == Opcode::Binary)
			return refuse(1003, "messages are text");
		if (!control && (opcode == Opcode::Continuation) != fragmented_)
			return refuse(1002, "fragments are out of order");
		const size_t head = 2 + length_bytes + 4;
		if (rest.size() - head < size)
			return std::nullopt;
		std::string_view mask = rest.substr(2 + length_bytes, 4);
		std::string payload(rest.substr(head, size));
		for (size_t i = 0; i < payload.size(); i++)
			payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
		read_ += head + size;
		if (control)
			return Message{.opcode = opcode, .payload = std::move(payload)};
		message_ += payload;
		fragmented_ = !final;
		if (!final)
			continue;
		if (!simdjson::validate_utf8(message_.data(), message_.size()))
			return refuse(1007, "the message is not UTF-8");
		return Message{.opcode = Opcode::Text, .payload = std::exchange(message_, {})};
	}
	return std::nullopt;
}

} // namespace net
