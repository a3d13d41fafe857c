#include "net/serve/client.h"

#include <algorithm>
#include <utility>

namespace net {

using namespace std::chrono_literals;

constexpr auto kRequestTime = 20s; // from the first byte of a request to its last
constexpr auto kIdleTime = 60s;    // between requests
constexpr auto kStuckTime = 30s;   // limit for a client that reads nothing
constexpr auto kPingEvery = 30s;
constexpr auto kProbeEvery = 2s;
constexpr auto kSilence = 90s; // limit for a WebSocket that sends nothing, not even a pong

Client::Client(Server &server, int fd, TlsConnection tls, const Address &address)
	: server_(server), address_(address),
	  socket_(server.reactor, server.clock, *this, fd, std::move(tls)),
	  frames_(NostrSession::kMaxMessage), since_(server.clock.now())
{
}

Client::~Client()
{
	if (pending_ && pending_->call != 0)
		server_.calls.cancel(pending_->call);
}

void
Client::on_gone()
{
	if (std::exchange(stays_, false))
		server_.endless.add({.key = 0, .address = visitor_.address}, -1);
	gone_ = true;
	pay();
	session_.reset();
	stream_.reset();
	if (pending_ && pending_->call != 0)
		server_.calls.cancel(pending_->call);
	pending_.reset();
}

void
Client::tick()
{
	if (gone_)
		return;
	const auto now = server_.clock.now();
	if (now - socket_.stuck_since() >= kStuckTime)
		return socket_.cut();
	if ((session_ || stream_) && !server_.admission.is_valid(visitor_))
		return socket_.cut();
	if (session_) {
		session_->tick();
		pay();
		if (now - heard_ >= kSilence)
			return socket_.cut();
		if (now - heard_ >= kPingEvery && now - pinged_ >= kPingEvery) {
			pinged_ = now;
			socket_.send(web_socket_frame(Opcode::Ping, ""));
		}
		return;
	}
	if (stream_) {
		pay();
		return stream_->tick();
	}
	if (pending_)
		probe();
	if (pending_ || ending_)
		return;
	if (socket_.in_handshake()) {
		if (now - since_ >= kRequestTime)
			socket_.cut();
		return;
	}
	if (http_.in_request() && now - since_ >= kRequestTime) {
		refuse({}, {.status = 408,
					.code = "too_slow",
					.detail = "The request was not whole within 20 seconds."});
		ending_ = true;
		socket_.finish();
	} else if (!http_.in_request() && now - since_ >= kIdleTime) {
		socket_.cut();
	}
}

/*
 * Finds out if a client that has closed its side is gone, so that its call can end. Only sending
 * bytes shows this, so the client gets the interim status 102, which HTTP/1.0 does not have.
 */
void
Client::probe()
{
	const auto now = server_.clock.now();
	if (!socket_.half_closed() || pending_->request.old || now - probed_ < kProbeEvery ||
		(pending_->answer && pending_->answer->started()))
		return;
	probed_ = now;
	socket_.send("HTTP/1.1 " + status_line(102) + "\r\n\r\n");
}

void
Client::on_half_closed()
{
	/* A WebSocket or an endless answer whose client has closed its side has no reader any more. */
	if (session_ || stream_)
		return socket_.cut();
	serve_requests();
}

/* ---- bytes of the client ---- */

void
Client::on_bytes(std::string_view bytes)
{
	if (ending_ || stream_)
		return;
	heard_ = server_.clock.now();
	if (session_) {
		frames_.take(bytes);
		serve_frames();
		/* If the client does not read its answers, its messages are not read either. */
		return socket_.be_deaf(is_slow());
	}
	if (!http_.in_request())
		since_ = heard_;
	http_.take(bytes);
	serve_requests();
}

void
Client::serve_requests()
{
	while (!pending_ && !ending_ && !gone_ && !session_ && !stream_ && !is_slow()) {
		auto request = http_.next();
		if (request) {
			handle(*std::move(request));
			continue;
		}
		if (http_.fault()) {
			refuse({}, {.status = http_.fault()->status,
						.code = "bad_request",
						.detail = http_.fault()->reason});
			ending_ = true;
			return socket_.finish();
		}
		if (http_.wants_continue())
			socket_.send("HTTP/1.1 100 Continue\r\n\r\n");
		break;
	}
	if (stream_)
		return socket_.be_deaf(false);
	/* The client has closed its side and has got all answers. */
	if (socket_.at_end() && !pending_ && !ending_ && !gone_ && !session_ && !is_slow()) {
		ending_ = true;
		return socket_.finish();
	}
	/* Until the answer is sent, the kernel holds the next request. */
	socket_.be_deaf(pending_.has_value() || is_slow());
}

void
Client::handle(ClientRequest request)
{
	server_.requests++;
	limit_headers_.clear();
	visitor_ = {.key = 0, .address = client_of(request, address_, server_.proxies)};
	if (request.method == "OPTIONS")
		return answer(request, 204, "", "",
					  {{"Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"},
					   {"Access-Control-Allow-Headers",
						"Authorization, X-API-Key, Content-Type, Accept, If-None-Match, "
						"Last-Event-ID"},
					   {"Access-Control-Max-Age", "86400"},
					   {"Allow", "GET, HEAD, POST, OPTIONS"}});
	auto target = parse_target(request.target);
	if (!target)
		return refuse(request, {.status = 400,
								.code = "bad_target",
								.detail = "The path or the query is not percent-encoded UTF-8, or "
										  "there are more than 50 parameters."});
	if (serve_own(request, *target))
		return;
	Admission &admission = server_.admission;
	auto refused = admission.identify(request, visitor_.address, visitor_);
	if (!refused)
		refused = admission.take_request(visitor_);
	limit_headers_ = admission.headers(visitor_);
	if (refused)
		return refuse(request, *refused);
	Values values;
	Problem problem;
	const ApiRoute *route = server_.routes.find(request, *target, values, problem);
	if (!route)
		return refuse(request, problem);
	if (route->name == "metrics" && !may_read_metrics(request))
		return refuse(request, {.status = 403,
								.code = "not_for_everyone",
								.detail = "This address may not read the metrics.",
								.hint = "bigbrotr.api_metrics_networks names those that may."});
	if (auto forbidden = admission.check_scope(visitor_, *route))
		return refuse(request, *forbidden);
	RouteCall call;
	if (auto wrong = route->read(request, *target, std::move(values), call))
		return refuse(request, *wrong);
	begin(std::move(request), *route, std::move(call));
}

/* Serves the paths that need no call to the archive; false for other paths. */
bool
Client::serve_own(const ClientRequest &request, const RequestTarget &target)
{
	const bool get = request.method == "GET" || request.method == "HEAD";
	if (target.path.empty() || target.path == std::vector<std::string>{""}) {
		if (!get)
			return false;
		if (request.header_has("upgrade", "websocket"))
			upgrade(request);
		else if (request.header("accept").find("application/nostr+json") != std::string::npos)
			answer(
				request, 200, "application/nostr+json", relay_information(server_.options),
				{{"Access-Control-Allow-Headers", "*"}, {"Access-Control-Allow-Methods", "GET"}});
		else
			answer(request, *web_file("index.html"));
		return true;
	}
	if (get && target.path.size() == 2 && target.path[0] == "web")
		if (const WebFile *file = web_file(target.path[1])) {
			answer(request, *file);
			return true;
		}
	if (get && target.path == std::vector<std::string>{"livez"}) {
		answer(request, 200, "text/plain; charset=utf-8", "ok\n", {{"Cache-Control", "no-store"}});
		return true;
	}
	return false;
}

/* Whether the client's address may read the metrics. If a proxy that is not trusted passes the
 * request on, the address is unknown. */
bool
Client::may_read_metrics(const ClientRequest &request) const
{
	bool is_passed_on = !request.header("x-forwarded-for").empty() ||
						!request.header("forwarded").empty() || !request.header("via").empty();
	return (!is_passed_on || server_.proxies.contain(address_)) &&
		   server_.metrics_readers.contain(client_of(request, address_, server_.proxies));
}

/* ---- WebSocket ---- */

/* Counts a WebSocket or a stream, or refuses it if the client's address has too many. Connections
 * through a trusted proxy are not counted when they are accepted. */
bool
Client::may_stay(const ClientRequest &request)
{
	const Visitor client{.key = 0, .address = visitor_.address};
	const int most = server_.options.max_connections_per_address;
	/* A proxy that does not name its clients is all of them. */
	if (!server_.proxies.contain(client.address) && server_.endless.of(client) >= most) {
		refuse(request, {.status = 429,
						 .code = "too_many_connections",
						 .detail = "This address has " + std::to_string(most) +
								   " WebSockets and streams, and may have no more.",
						 .hint = "End one of them.",
						 .retry_after = kRetryAfter});
		return false;
	}
	server_.endless.add(client, 1);
	stays_ = true;
	return true;
}

void
Client::upgrade(const ClientRequest &request)
{
	std::string accept = web_socket_accept(request.header("sec-websocket-key"));
	if (!request.header_has("connection", "upgrade") ||
		request.header("sec-websocket-version") != "13" || accept.empty())
		return refuse(request,
					  {.status = 426,
					   .code = "bad_handshake",
					   .detail = "This is no handshake of WebSocket version 13."},
					  {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}});
	if (auto refused = server_.admission.identify(request, visitor_.address, visitor_))
		return refuse(request, *refused);
	if (!may_stay(request))
		return;
	socket_.send("HTTP/1.1 " + status_line(101) +
				 "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
				 accept + "\r\n\r\n");
	session_ = std::make_unique<NostrSession>(server_, *this, visitor_);
	heard_ = pinged_ = server_.clock.now();
	frames_.take(http_.rest());
	serve_frames();
}

void
Client::serve_frames()
{
	/* One read may hold hundreds of short messages, each with an answer of a hundred kilobytes. */
	while (!ending_ && !gone_ && !is_slow()) {
		auto message = frames_.next();
		if (!message)
			break;
		switch (message->opcode) {
		case Opcode::Text:
			session_->on_message(message->payload);
			break;
		case Opcode::Ping:
			socket_.send(web_socket_frame(Opcode::Pong, message->payload));
			break;
		case Opcode::Close:
			socket_.send(web_socket_frame(Opcode::Close, message->payload));
			ending_ = true;
			break;
		default:
			break;
		}
	}
	if (frames_.fault() && !ending_) {
		socket_.send(web_socket_close(frames_.fault()->code, frames_.fault()->reason));
		ending_ = true;
	}
	if (ending_)
		socket_.finish();
}

void
Client::send_message(std::string text)
{
	send_bytes(web_socket_frame(Opcode::Text, text));
}

} // namespace net
