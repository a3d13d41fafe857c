#include "net/job/arrival.h"

#include "net/transport/screening.h"

namespace net {

using wire::Outcome;
using wire::Step;
using wire::Verdict;

static void
passed(VisitRecord &record, Step step, std::chrono::microseconds took)
{
	record.step(step).outcome = Outcome::Ok;
	record.step(step).microseconds = took.count();
}

static void
note_facts(VisitRecord &record, const Arrival &arrival, const ConnectFacts &facts)
{
	record.name = facts.name;
	record.head = facts.head;
	record.certificate = facts.certificate;
	if (!arrival.overlay)
		record.address = facts.address;
	if (arrival.overlay)
		record.step(Step::Names).reason = "overlay_network";
	else if (arrival.numeric)
		record.step(Step::Names).reason = "numeric";
	else if (!facts.name.addresses.empty())
		passed(record, Step::Names, facts.dns);
	if (facts.tcp.count() > 0)
		passed(record, Step::Connect, facts.tcp);
	if (!arrival.tls)
		record.step(Step::Tls).reason = "no_tls";
	else if (facts.tls.count() > 0)
		passed(record, Step::Tls, facts.tls);
}

void
note_arrival(VisitRecord &record, const Arrival &arrival, const ConnectFacts &facts)
{
	note_facts(record, arrival, facts);
	passed(record, Step::Upgrade, facts.upgrade);
}

/* The step that had begun when the connection ended. */
static Step
reached(const Arrival &arrival, const ConnectFacts &facts)
{
	if (facts.tcp.count() == 0)
		return Step::Connect;
	return arrival.tls && facts.tls.count() == 0 ? Step::Tls : Step::Upgrade;
}

static const char *
handshake_reason(int status)
{
	if (status >= 200 && status < 300)
		return "web_server";
	if (status >= 300 && status < 400)
		return "redirect";
	return status > 0 ? "http_error" : "handshake_failed";
}

bool
note_failure(VisitRecord &record, const Arrival &arrival, const ConnectFacts &facts,
			 std::string_view reason, std::string detail)
{
	note_facts(record, arrival, facts);
	auto failed = [&](Step step, std::string_view code, Verdict verdict) {
		VisitRecord::Step &one = record.step(step);
		one = {
			.outcome = Outcome::Failed, .reason = std::string(code), .detail = std::move(detail)};
		/* With a time of zero, no connection was tried. */
		if (step == Step::Names)
			one.microseconds = facts.dns.count();
		else if (facts.unfinished.count() > 0)
			one.microseconds = facts.unfinished.count();
		record.verdict = verdict;
		return false;
	};
	if (reason == "dns_timeout")
		return arrival.servers_alive ? failed(Step::Names, reason, Verdict::Down)
									 : failed(Step::Names, "name_servers_silent", Verdict::Blind);
	if (reason == "dns_failed")
		return failed(Step::Names, reason, Verdict::Down);
	if (reason == "local_address")
		return failed(arrival.numeric ? Step::Connect : Step::Names, reason, Verdict::Refused);
	if (reason == "no_proxy") {
		detail = "no proxy is set for the network " + detail;
		return failed(Step::Connect, reason, Verdict::Unreachable);
	}
	if (reason == "proxy_failed")
		return failed(Step::Connect, reason, Verdict::Unreachable);
	const Step step = reached(arrival, facts);
	if (reason == "connection_refused") {
		if (arrival.overlay || has_route(facts.address))
			return failed(Step::Connect, reason, Verdict::Down);
		detail = "this machine has no way to " + facts.address;
		const bool six = facts.address.find(':') != std::string::npos;
		return failed(Step::Connect, "network_unreachable",
					  six ? Verdict::Unreachable : Verdict::Blind);
	}
	if (reason == "tls_failed") {
		/* The connection did not reach TLS: this machine's certificates cannot be read. */
		if (step == Step::Connect)
			return failed(Step::Tls, reason, Verdict::Unreachable);
		if (!facts.certificate || facts.certificate->fault.empty())
			return failed(Step::Tls, reason, Verdict::NotNostr);
		detail = facts.certificate->fault;
		return failed(Step::Tls, "bad_certificate", Verdict::NotNostr);
	}
	if (reason == "handshake_failed") {
		failed(Step::Upgrade, handshake_reason(facts.head.status), Verdict::NotNostr);
		return facts.head.status > 0;
	}
	/* One visit cannot tell whether only this relay is down or its whole overlay network. The
	 * database decides that from the other relays of the network. */
	if (reason == "overlay_unreachable")
		return failed(Step::Connect, reason, Verdict::Down);
	if (reason == "connect_timeout" || reason == "connection_lost")
		return failed(step, reason, Verdict::Down);
	/* The dialer refused the URL or its port. */
	return failed(Step::Connect, reason, Verdict::Refused);
}

} // namespace net
