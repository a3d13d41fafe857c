/* The HTTP answers of a Client. */
#include "net/serve/client.h"

#include <utility>

#include "net/serve/watch.h"

namespace net {

/* Headers of every answer: any web page may read it, and browsers must treat it as data. */
static const Fields kCommon = {{"Access-Control-Allow-Origin", "*"},
							   {"Access-Control-Expose-Headers",
								"ETag, Link, Location, RateLimit, RateLimit-Policy, "
								"Retry-After, WWW-Authenticate, Content-Encoding"},
							   {"X-Content-Type-Options", "nosniff"},
							   {"Vary", "Accept, Accept-Encoding, Authorization, X-API-Key"}};

/* The error code that version 2 of nostr.watch uses. */
static const char *
rstate_code(const ClientRequest &request, const Problem &problem)
{
	const auto is_below = [&](const char *path) { return request.target.starts_with(path); };
	switch (problem.status) {
	case 400:
		return "VALIDATION_ERROR";
	case 401:
		return "UNAUTHORIZED";
	case 403:
		return "FORBIDDEN";
	case 404:
		if (is_below("/v2/subscriptions/"))
			return "SUBSCRIPTION_NOT_FOUND";
		if (problem.code == "no_such_path")
			return "NOT_FOUND";
		return is_below("/v2/monitors/") ? "MONITOR_NOT_FOUND" : "RELAY_NOT_FOUND";
	case 405:
		return "METHOD_NOT_ALLOWED";
	case 429:
		return "RATE_LIMIT_EXCEEDED";
	case 501:
		return "NOT_IMPLEMENTED";
	case 503:
		return "UNAVAILABLE";
	default:
		return "INTERNAL_ERROR";
	}
}

/* The error in the format of version 2 of nostr.watch, with our hint. */
static std::string
rstate_error(const ClientRequest &request, const Problem &problem)
{
	return std::string("{\"error\":{\"code\":\"") + rstate_code(request, problem) +
		   "\",\"message\":" + json_string(problem.detail) +
		   (problem.hint.empty() ? "" : ",\"hint\":" + json_string(problem.hint)) + "}}";
}

AnswerOptions
Client::options(int status, std::string content_type, Fields headers) const
{
	headers.insert(headers.end(), kCommon.begin(), kCommon.end());
	headers.insert(headers.end(), limit_headers_.begin(), limit_headers_.end());
	return {.status = status,
			.content_type = std::move(content_type),
			.headers = std::move(headers),
			.date = server_.clock.unix_seconds()};
}

void
Client::answer(const ClientRequest &request, int status, std::string content_type, std::string body,
			   Fields headers)
{
	AnswerWriter whole(request, options(status, std::move(content_type), std::move(headers)));
	std::string bytes = whole.add(body);
	send_bytes(bytes + whole.finish());
	finished(whole.keeps_alive());
}

void
Client::answer(const ClientRequest &request, const WebFile &file)
{
	const bool encoded = request.header_has("accept-encoding", "gzip");
	Fields headers = {{"Cache-Control", "no-cache"},
					  {"Referrer-Policy", "no-referrer"},
					  {"Content-Security-Policy",
					   "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
					   "connect-src 'self'; base-uri 'none'; form-action 'self'; "
					   "frame-ancestors 'none'"}};
	if (encoded)
		headers.emplace_back("Content-Encoding", "gzip");
	AnswerOptions all = options(200, file.content_type, std::move(headers));
	all.encoded = true;
	AnswerWriter whole(request, std::move(all));
	std::string bytes = whole.add(encoded ? file.compressed : file.bytes);
	socket_.send(bytes + whole.finish());
	finished(whole.keeps_alive());
}

void
Client::refuse(const ClientRequest &request, const Problem &problem, Fields headers)
{
	server_.refused++;
	std::string body = "{\"type\":" + json_string(problem.type) +
					   ",\"title\":" + json_string(status_line(problem.status).substr(4)) +
					   ",\"status\":" + std::to_string(problem.status) +
					   ",\"code\":" + json_string(problem.code) +
					   ",\"detail\":" + json_string(problem.detail);
	if (!problem.hint.empty())
		body += ",\"hint\":" + json_string(problem.hint);
	body += problem.members;
	if (!problem.allow.empty())
		headers.emplace_back("Allow", problem.allow);
	headers.emplace_back("Cache-Control", "no-store");
	const int wait = problem.status == 503 ? kRetryAfter : problem.retry_after;
	if (wait > 0)
		headers.emplace_back("Retry-After", std::to_string(wait));
	if (problem.status == 401)
		headers.emplace_back("WWW-Authenticate", "Bearer, Nostr");
	if (request.target.starts_with("/v2/"))
		return answer(request, problem.status, "application/json", rstate_error(request, problem),
					  std::move(headers));
	answer(request, problem.status, "application/problem+json", body + "}", std::move(headers));
}

void
Client::finished(bool keep_alive)
{
	pay();
	pending_.reset();
	owed_ = 0;
	since_ = server_.clock.now();
	if (keep_alive)
		return;
	ending_ = true;
	socket_.finish();
}

void
Client::send_bytes(std::string bytes)
{
	unpaid_ += int64_t(bytes.size());
	socket_.send(std::move(bytes));
}

void
Client::pay()
{
	server_.admission.charge(visitor_, std::exchange(unpaid_, 0));
}

/* ---- rows ---- */

void
Client::begin(ClientRequest request, const ApiRoute &route, RouteCall call)
{
	/* All clients that watch a state share one question. */
	if (route.shape == wire::Shape::Stream && route.name != "live_events") {
		auto &watch = server_.watches[route.name];
		if (!watch)
			watch = std::make_shared<Watch>(server_, route.name);
		return begin_stream(request, stream_of_changes(server_, *this, *watch));
	}
	const bool accepts = route.shape == wire::Shape::Accepted;
	const wire::Shape shape = accepts ? wire::Shape::One : route.shape;
	pending_.emplace(Pending{.request = std::move(request),
							 .shape = shape,
							 .status = accepts ? 202 : 200,
							 .content_type = shape == wire::Shape::One ? route.content_type
																	   : content_type(call.format),
							 .cache_seconds = route.cache_seconds,
							 .rows = RowFormat(shape, call.format),
							 .limit = route.row_limit(call.arguments),
							 .fingerprint = std::move(call.fingerprint),
							 .open = route.scope.empty(),
							 .for_pages = route.name != "metrics"});
	const int32_t cost_limit = pending_->open ? 0 : server_.admission.cost_limit(visitor_);
	pending_->call = server_.calls.begin(route, call.arguments, *this, &visitor_, cost_limit);
	if (pending_->call != 0)
		return;
	ClientRequest refused = std::move(pending_->request);
	refuse(refused, {.status = 503,
					 .code = "busy",
					 .detail = "Too many requests wait for the archive.",
					 .hint = "Try again later."});
}

void
Client::begin_answer()
{
	if (pending_->answer)
		return;
	const int32_t seconds = pending_->cache_seconds;
	const std::string caching = visitor_.key  ? "private, no-store"
								: seconds > 0 ? "public, max-age=" + std::to_string(seconds)
											  : "no-cache";
	Fields headers = {{"Cache-Control", caching}};
	if (pending_->status == 202)
		headers.emplace_back(
			"Location", pending_->request.target.substr(0, pending_->request.target.find('?')) +
							"/" + pending_->position);
	/* Texts of relays and events are in these, and must never run. */
	if (pending_->content_type.starts_with("text/html") ||
		pending_->content_type.starts_with("image/svg"))
		headers.emplace_back("Content-Security-Policy",
							 "default-src 'none'; style-src 'self'; base-uri 'none'; "
							 "form-action 'none'");
	AnswerOptions all = options(pending_->status, pending_->content_type, std::move(headers));
	if (!pending_->for_pages)
		std::erase_if(all.headers, [](const auto &header) {
			return header.first == "Access-Control-Allow-Origin";
		});
	pending_->answer = std::make_unique<AnswerWriter>(pending_->request, std::move(all));
}

void
Client::on_rows(const wire::Rows &rows)
{
	owed_++;
	if (pending_->shape == wire::Shape::Stream) {
		pending_->filter = rows.rows.empty() ? "" : rows.rows.front().item;
		return give_credit();
	}
	if (!rows.rows.empty())
		pending_->position = rows.rows.front().position;
	begin_answer();
	for (const wire::Row &row : rows.rows) {
		pending_->count++;
		if (pending_->shape == wire::Shape::One && pending_->count > 1)
			break;
		pending_->position = row.position;
		send_bytes(pending_->answer->add(pending_->rows.row(row.item)));
	}
	if (!is_slow())
		give_credit();
}

void
Client::give_credit()
{
	while (pending_ && owed_ > 0) {
		owed_--;
		server_.calls.taken(pending_->call);
	}
}

void
Client::on_sent()
{
	give_credit();
	if (stream_)
		return stream_->on_sent();
	if (!session_)
		return serve_requests();
	session_->on_sent();
	serve_frames();
	socket_.be_deaf(is_slow());
}

void
Client::on_end(const wire::CallEnd &end)
{
	pending_->call = 0;
	const int32_t limit = server_.admission.cost_limit(visitor_);
	if (end.sqlstate.empty()) {
		end_answer();
	} else if (pending_->answer && pending_->answer->started()) {
		/* The client must notice that the answer is incomplete. */
		return socket_.cut();
	} else {
		const int status = status_of(end.sqlstate);
		const bool too_expensive =
			end.sqlstate == "54001" && !pending_->open && limit > 0 && end.cost > limit;
		std::string detail(end.message);
		if (!end.detail.empty())
			detail.append(". ").append(end.detail);
		ClientRequest request = std::move(pending_->request);
		refuse(request,
			   {.status = status,
				.code = std::string(end.sqlstate),
				.detail = std::move(detail),
				.hint = std::string(end.hint),
				.retry_after = status == 429 ? kRetryAfter : 0,
				.members = too_expensive ? ",\"estimated_cost\":" + std::to_string(end.cost) +
											   ",\"cost_limit\":" + std::to_string(limit)
										 : ""});
	}
	serve_requests();
}

void
Client::end_answer()
{
	if (pending_->shape == wire::Shape::Stream) {
		const ClientRequest request = std::move(pending_->request);
		nostr::Filter filter;
		const std::string fault = nostr::parse_filter(pending_->filter, filter);
		if (!fault.empty())
			return refuse(request, {.status = 400,
									.code = "bad_filter",
									.detail = fault,
									.hint = "/openapi.json describes the parameters."});
		return begin_stream(request, stream_of_events(server_, *this, visitor_, std::move(filter)));
	}
	if (pending_->shape == wire::Shape::One && pending_->count == 0) {
		ClientRequest request = std::move(pending_->request);
		return refuse(request, {.status = 404,
								.code = "not_found",
								.detail = "The archive does not hold what was asked for."});
	}
	begin_answer();
	std::string next, query, link;
	if (pending_->limit && pending_->count >= *pending_->limit && !pending_->position.empty())
		next = ApiRoute::cursor(pending_->position, pending_->fingerprint);
	if (!next.empty()) {
		auto target = parse_target(pending_->request.target);
		for (const auto &[name, value] : target->query)
			if (name != "cursor")
				query += (query.empty() ? "?" : "&") + percent_encode(name) + "=" +
						 percent_encode(value);
		query += (query.empty() ? "?cursor=" : "&cursor=") + next;
		link = "Link: <" + pending_->request.target.substr(0, pending_->request.target.find('?')) +
			   query + ">; rel=\"next\"\r\n";
	}
	std::string bytes = pending_->answer->add(pending_->rows.end(next, query));
	send_bytes(bytes + pending_->answer->finish(link));
	finished(pending_->answer->keeps_alive());
}

/* ---- answers without an end ---- */

void
Client::begin_stream(const ClientRequest &request, std::unique_ptr<Stream> stream)
{
	pending_.reset();
	if (!may_stay(request))
		return;
	AnswerWriter head(request,
					  options(200, "text/event-stream",
							  {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}));
	socket_.send(head.endless());
	if (request.method == "HEAD")
		return finished(false);
	stream_ = std::move(stream);
	stream_->begin(request.header("last-event-id"));
}

} // namespace net
