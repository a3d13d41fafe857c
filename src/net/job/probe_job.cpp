#include "net/job/probe_job.h"

#include "net/transport/screening.h"

namespace net {

constexpr const char *kDocumentType = "application/nostr+json";

ProbeJob::ProbeJob(ClientHost &host, Owner &owner, size_t max_document, VisitTask task)
	: host_(host), owner_(owner), max_document_(max_document), task_(std::move(task))
{
	record_.relay_id = task_.relay_id;
	record_.attempt = task_.attempt;
}

void
ProbeJob::start()
{
	record_.started_at = host_.transport.clock.unix_seconds();
	asked_ = host_.transport.clock.now();
	nostr::RelayUrl url = nostr::normalise_relay_url(task_.url);
	if (url.ok()) {
		const nostr::RelayEndpoint endpoint = nostr::relay_endpoint(url.url);
		sockaddr_storage numeric;
		record_.port = endpoint.port;
		arrival_ = {.overlay = nostr::is_overlay(url.network),
					.numeric = parse_numeric(endpoint.host, numeric),
					.tls = endpoint.tls};
	}
	dialer_.emplace(host_.transport, host_.config, *this);
	dialer_->start(task_.url);
}

bool
ProbeJob::may_connect(const std::string &place)
{
	return place_.take(place, host_.config.max_per_address);
}

Connection &
ProbeJob::new_connection(Connection::Handler &dialer)
{
	socket_ = std::make_unique<WebSocket>(host_.transport, dialer, host_.config.max_message_bytes);
	return *socket_;
}

void
ProbeJob::on_connected(const ConnectFacts &facts)
{
	dialer_.reset();
	note_arrival(record_, arrival_, facts);
	socket_->handle_by(*this);
	opened_ = host_.transport.clock.now();
	talking_ = true;
	fetch_document();
	next();
}

void
ProbeJob::on_failed(const char *reason, std::string detail, const ConnectFacts &facts)
{
	crowded_ = std::string_view(reason) == kAddressFull;
	/* asked_ still holds the time at which the visit began. */
	arrival_.servers_alive = host_.transport.resolver.heard() >= asked_;
	dialer_.reset();
	place_.leave();
	if (!crowded_ && note_failure(record_, arrival_, facts, reason, std::move(detail)))
		fetch_document();
	check_over();
}

void
ProbeJob::fetch_document()
{
	nostr::RelayUrl url = nostr::normalise_relay_url(task_.url);
	fetch_ = std::make_unique<HttpFetch>(host_.transport, host_.config, *this);
	fetch_->start({.url = nostr::document_url(url.url),
				   .accept = kDocumentType,
				   .max_body = max_document_,
				   .timeout = host_.config.response_timeout});
}

void
ProbeJob::on_fetched(const char *reason, std::string detail, HttpAnswer &answer)
{
	VisitRecord::Step &step = record_.step(Step::Document);
	step.microseconds = fetch_->took().count();
	auto failed = [&](std::string code, std::string text) {
		step.outcome = wire::Outcome::Failed;
		step.reason = std::move(code);
		step.detail = std::move(text);
	};
	if (answer.status > 0) {
		VisitDocument &document = record_.document.emplace();
		document.size = answer.body.size();
		const std::string body = std::move(answer.body);
		document.answer = std::move(answer);
		document.answer.body.clear();
		constexpr int ok = 200;
		if (reason)
			failed(reason, std::move(detail));
		else if (document.answer.status != ok)
			failed("http_error", "HTTP status " + std::to_string(document.answer.status));
		else if (document.read = read_relay_document(body, wire::kMaxDocument);
				 document.read.reason)
			failed(document.read.reason, document.read.detail);
		else
			step.outcome = wire::Outcome::Ok;
	} else {
		failed(reason ? reason : "no_answer", std::move(detail));
	}
	fetch_.reset();
	check_over();
}

void
ProbeJob::tick()
{
	if (dialer_)
		dialer_->tick();
	if (fetch_)
		fetch_->tick();
	if (talking_)
		give_up_step();
}

void
ProbeJob::end_conversation()
{
	talking_ = false;
	step_.reset();
	socket_->close(true);
	judge();
	check_over();
}

/* Decides the verdict after a successful handshake. */
void
ProbeJob::judge()
{
	record_.verdict = nostr_ ? wire::Verdict::Nostr : wire::Verdict::NotNostr;
	if (!task_.try_nips)
		return;
	VisitRecord::Step &finish = record_.step(Step::Finish);
	if (hinted_)
		finish.outcome = wire::Outcome::Ok;
	else if (events_ > 0)
		finish = {.outcome = wire::Outcome::Failed, .reason = "no_hint"};
	else
		finish.reason = "no_events";
	VisitRecord::Step &challenge = record_.step(Step::Challenge);
	if (challenge.outcome == wire::Outcome::NotRun && nostr_)
		challenge = {.outcome = wire::Outcome::Failed, .reason = "none_sent"};
}

void
ProbeJob::check_over()
{
	if (over_ || talking_ || dialer_ || fetch_)
		return;
	over_ = true;
	place_.leave();
	owner_.on_visited(*this);
}

} // namespace net
