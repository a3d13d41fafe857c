/*
 * The reader of a client's WebSocket frames: the same messages come out of the same bytes, however
 * they are cut, and none is longer than allowed. The first byte says where to cut.
 */
#include "net/serve/web_socket_frames.h"

#include <simdjson.h>

#include "require.h"

namespace {

constexpr size_t kMost = 200;

std::string
read(std::string_view bytes, size_t piece)
{
	net::WebSocketReader reader(kMost);
	std::string result;
	while (!bytes.empty()) {
		size_t size = std::min(piece, bytes.size());
		reader.take(bytes.substr(0, size));
		bytes.remove_prefix(size);
		while (auto message = reader.next()) {
			require(message->payload.size() <= kMost);
			if (message->opcode == net::Opcode::Text)
				require(simdjson::validate_utf8(message->payload));
			result += std::to_string(int(message->opcode)) + ":" +
					  std::to_string(message->payload.size()) + ":" + message->payload;
		}
	}
	if (reader.fault())
		result += "fault " + std::to_string(reader.fault()->code);
	return result;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	std::string_view bytes(reinterpret_cast<const char *>(data) + 1, size - 1);
	require(read(bytes, bytes.size()) == read(bytes, 1 + data[0] % 64));
	return 0;
}
