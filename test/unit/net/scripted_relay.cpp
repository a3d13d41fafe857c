#include "scripted_relay.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <zlib.h>

#include "nostr/relay_request.h"

namespace test {

void
Peer::raw(std::string_view bytes)
{
	while (!bytes.empty()) {
		ssize_t sent = ssl_ ? SSL_write(ssl_, bytes.data(), int(bytes.size()))
							: send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
		if (sent <= 0)
			throw ConnectionGone();
		bytes.remove_prefix(size_t(sent));
	}
}

size_t
Peer::some(char *out, size_t size)
{
	ssize_t got = ssl_ ? SSL_read(ssl_, out, int(size)) : recv(fd_, out, size, 0);
	if (got <= 0)
		throw ConnectionGone();
	return size_t(got);
}

void
Peer::exactly(char *out, size_t size)
{
	while (size > 0) {
		size_t got = some(out, size);
		out += got;
		size -= got;
	}
}

void
Peer::head(int opcode, uint64_t size, bool final, bool compressed)
{
	std::string bytes;
	bytes += char((final ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode);
	int width = size < 126 ? 0 : size < 65536 ? 2 : 8;
	bytes += char(width == 0 ? size : width == 2 ? 126 : 127);
	for (int i = width - 1; i >= 0; i--)
		bytes += char(size >> (8 * i));
	raw(bytes);
}

void
Peer::frame(int opcode, std::string_view payload, bool final, bool compressed)
{
	head(opcode, payload.size(), final, compressed);
	raw(payload);
}

/* One message compressed without the context of the ones before. */
static std::string
inflated(std::string payload)
{
	payload += std::string("\0\0\xff\xff", 4);
	std::string out(1 << 16, '\0');
	z_stream stream{};
	inflateInit2(&stream, -15);
	stream.next_in = reinterpret_cast<Bytef *>(payload.data());
	stream.avail_in = uInt(payload.size());
	stream.next_out = reinterpret_cast<Bytef *>(out.data());
	stream.avail_out = uInt(out.size());
	int result = inflate(&stream, Z_SYNC_FLUSH);
	out.resize(stream.total_out);
	inflateEnd(&stream);
	if (result != Z_OK || stream.avail_in > 0)
		throw ConnectionGone();
	return out;
}

std::string
Peer::receive()
{
	for (;;) {
		unsigned char start[2];
		exactly(reinterpret_cast<char *>(start), 2);
		uint64_t size = start[1] & 0x7f;
		int width = size == 126 ? 2 : size == 127 ? 8 : 0;
		unsigned char length[8], mask[4];
		exactly(reinterpret_cast<char *>(length), size_t(width));
		for (int i = 0; i < width; i++)
			size = (i == 0 ? 0 : size << 8) | length[i];
		exactly(reinterpret_cast<char *>(mask), 4);
		std::string payload(size, '\0');
		exactly(payload.data(), size);
		for (size_t i = 0; i < size; i++)
			payload[i] = char(payload[i] ^ mask[i & 3]);
		switch (start[0] & 0x0f) {
		case 1:
			return start[0] & 0x40 ? inflated(payload) : payload;
		case 8:
			if (size >= 2)
				close_code = uint8_t(payload[0]) << 8 | uint8_t(payload[1]);
			frame(8, payload);
			throw ConnectionGone();
		case 9:
			pings++;
			if (answers_pings)
				frame(10, payload);
			break;
		case 10:
			if (on_pong)
				on_pong();
			break;
		default:
			break;
		}
	}
}

void
Peer::linger()
{
	char waste[4096];
	for (;;)
		some(waste, sizeof waste);
}

ScriptedRelay::ScriptedRelay(Script script, Options options)
	: script_(std::move(script)), options_(std::move(options))
{
	if (!options_.tls_cert.empty()) {
		/* OpenSSL writes without MSG_NOSIGNAL, also when the peer is gone. */
		std::signal(SIGPIPE, SIG_IGN);
		tls_ = SSL_CTX_new(TLS_server_method());
		if (SSL_CTX_use_certificate_chain_file(tls_, options_.tls_cert.c_str()) != 1 ||
			SSL_CTX_use_PrivateKey_file(tls_, options_.tls_cert.c_str(), SSL_FILETYPE_PEM) != 1)
			throw std::runtime_error("bad test certificate");
	}
	server_.emplace([this](int fd) { serve(fd); }, options_.ipv6);
}

ScriptedRelay::~ScriptedRelay()
{
	server_.reset();
	SSL_CTX_free(tls_);
}

std::string
ScriptedRelay::url() const
{
	return (tls_            ? "wss://localhost:"
			: options_.ipv6 ? "ws://[::1]:"
							: "ws://127.0.0.1:") +
		   std::to_string(port());
}

void
ScriptedRelay::serve(int fd)
{
	SSL *ssl = tls_ ? SSL_new(tls_) : nullptr;
	try {
		if (ssl && (SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1))
			throw ConnectionGone();
		Peer peer(fd, ssl);
		if (shake_hands(peer))
			script_(peer);
	} catch (const ConnectionGone &) {
	}
	SSL_free(ssl);
}

static std::string
accept_key(const std::string &request)
{
	std::string name = "Sec-WebSocket-Key: ";
	size_t start = request.find(name) + name.size();
	std::string key = request.substr(start, request.find("\r\n", start) - start);
	key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[SHA_DIGEST_LENGTH], text[64];
	SHA1(reinterpret_cast<const unsigned char *>(key.data()), key.size(), digest);
	EVP_EncodeBlock(text, digest, sizeof digest);
	return reinterpret_cast<char *>(text);
}

bool
ScriptedRelay::shake_hands(Peer &peer)
{
	while (!options_.at_once && peer.request.find("\r\n\r\n") == std::string::npos) {
		char piece;
		peer.exactly(&piece, 1);
		peer.request += piece;
	}
	if (!options_.http_answer.empty()) {
		peer.raw(options_.http_answer);
		return false;
	}
	if (!options_.document.empty() &&
		peer.request.find("Sec-WebSocket-Key: ") == std::string::npos) {
		peer.raw(options_.document);
		return false;
	}
	peer.deflate = options_.deflate && peer.request.find("permessage-deflate") != std::string::npos;
	peer.raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			 "Sec-WebSocket-Accept: " +
			 accept_key(peer.request) + "\r\n" +
			 (peer.deflate
				  ? "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
				  : "") +
			 options_.headers + "\r\n");
	return true;
}

static int64_t
number_after(std::string_view text, std::string_view name, int64_t otherwise)
{
	size_t found = text.find(name);
	return found == std::string_view::npos ? otherwise
										   : std::atoll(text.data() + found + name.size());
}

std::string
req_id(std::string_view message)
{
	nostr::ClientMessage parsed;
	if (nostr::parse_client_message(message, parsed) != nostr::Reject::None ||
		parsed.type != nostr::ClientMessageType::Req)
		return "";
	return parsed.subscription;
}

std::string
event_message(std::string_view subscription, const nostr::Event &event)
{
	return "[\"EVENT\",\"" + std::string(subscription) + "\"," + nostr::to_json(event) + "]";
}

std::string
eose_message(std::string_view subscription)
{
	return "[\"EOSE\",\"" + std::string(subscription) + "\"]";
}

ScriptedRelay::Script
answer_each(Answer answer)
{
	return [answer = std::move(answer)](Peer &peer) {
		for (;;) {
			std::string message = peer.receive(), id = req_id(message);
			if (!id.empty())
				answer(peer, id, message);
		}
	};
}

void
serve_one(Peer &peer, const std::vector<nostr::Event> &events, int cap, const std::string &message,
		  bool eose)
{
	const std::string id = req_id(message);
	if (id.empty())
		return;
	std::vector<const nostr::Event *> newest;
	const int64_t since = number_after(message, "\"since\":", 0);
	const int64_t until = number_after(message, "\"until\":", INT64_MAX);
	for (const nostr::Event &event : events)
		if (event.created_at >= since && event.created_at <= until)
			newest.push_back(&event);
	std::sort(newest.begin(), newest.end(), [](auto *a, auto *b) {
		return a->created_at != b->created_at ? a->created_at > b->created_at : a->id < b->id;
	});
	const size_t limit = size_t(std::min<int64_t>(number_after(message, "\"limit\":", cap), cap));
	newest.resize(std::min(newest.size(), limit));
	for (const nostr::Event *event : newest)
		peer.text(event_message(id, *event));
	if (eose)
		peer.text(eose_message(id));
}

ScriptedRelay::Script
serve_events(std::vector<nostr::Event> events, int cap)
{
	return [events = std::move(events), cap](Peer &peer) {
		for (;;)
			serve_one(peer, events, cap, peer.receive());
	};
}

} // namespace test
