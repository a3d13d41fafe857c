/* Visits of a monitor: what each kind of relay, and of what is none, is found to be. */
#include <gtest/gtest.h>

#include "certificate.h"
#include "visited_relay.h"
#include "wire/archive.h"

using namespace test;
using wire::Outcome;
using wire::Step;
using wire::Verdict;

TEST(NetProbe, GoodRelay)
{
	ScriptedRelay::Options options;
	options.document = kDocument;
	options.headers = "Server: nginx\r\n";
	ScriptedRelay relay(answer_all, options);
	Prober prober;
	const nostr::Event event = make_event(1700000001, "a check");
	const Found found = prober.probe(relay.url(), true, nostr::to_json(event));
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_EQ(found.attempt, 1u);
	for (Step step :
		 {Step::Connect, Step::Upgrade, Step::Read, Step::Write, Step::ReadBack, Step::Document,
		  Step::Challenge, Step::Count, Step::Search, Step::Finish, Step::Negentropy})
		EXPECT_EQ(found.step(step).outcome, Outcome::Ok)
			<< wire::step_name(step) << " " << found.step(step).reason << " "
			<< found.step(step).detail;
	for (Step step : {Step::Connect, Step::Upgrade, Step::Read, Step::Write, Step::Document})
		EXPECT_GE(found.step(step).microseconds, 0) << wire::step_name(step);
	EXPECT_EQ(found.step(Step::Names).reason, "numeric");
	EXPECT_EQ(found.step(Step::Tls).reason, "no_tls");
	EXPECT_EQ(found.address, "127.0.0.1");
	EXPECT_EQ(found.port, relay.port());
	EXPECT_EQ(found.http_status, 101);
	EXPECT_EQ(found.server, "nginx");
	EXPECT_FALSE(found.limit_ignored);
	ASSERT_EQ(found.document.size(), 1u);
	EXPECT_EQ(found.document[0].http_status, 200);
	EXPECT_TRUE(found.document[0].cors);
	EXPECT_GT(found.document[0].size, 0U);
	EXPECT_EQ(found.document[0].json,
			  R"({"limitation":{"max_limit":"5"},"name":"x","supported_nips":[77,1,"11",11]})");
	EXPECT_EQ(found.document[0].final_url, "");
	EXPECT_EQ(relay.connections(), 2);
}

/* It says that it does everything, and knows REQ only; it ignores limit and search. */
TEST(NetProbe, LyingRelay)
{
	const std::vector<nostr::Event> events = make_events(3, 1700000000);
	ScriptedRelay::Options options;
	options.document = kDocument;
	ScriptedRelay relay(
		[&](Peer &peer) {
			for (;;) {
				const std::string message = peer.receive(), id = req_id(message);
				if (id.empty() && !message.starts_with("[\"CLOSE\""))
					peer.text(R"(["NOTICE","unknown message type"])");
				if (id.empty())
					continue;
				for (const nostr::Event &event : events)
					peer.text(event_message(id, event));
				peer.text(eose_message(id));
			}
		},
		options);
	Prober prober;
	const Found found = prober.probe(relay.url(), true);
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_TRUE(found.limit_ignored);
	EXPECT_EQ(found.step(Step::Write).outcome, Outcome::NotRun);
	EXPECT_EQ(found.step(Step::Count).reason, "notice");
	EXPECT_EQ(found.step(Step::Negentropy).reason, "notice");
	EXPECT_EQ(found.step(Step::Search).reason, "ignored");
	EXPECT_EQ(found.step(Step::Finish).reason, "no_hint");
	EXPECT_EQ(found.step(Step::Challenge).reason, "none_sent");
}

TEST(NetProbe, RelaysThatRefuse)
{
	ScriptedRelay::Options options;
	options.document = kDocument;
	ScriptedRelay relay(
		[](Peer &peer) {
			for (;;) {
				const std::string message = peer.receive(), id = req_id(message);
				if (!id.empty())
					peer.text("[\"CLOSED\",\"" + id + "\",\"auth-required: who are you\"]");
				if (message.starts_with("[\"EVENT\",{\"id\":\""))
					peer.text("[\"OK\",\"" + message.substr(16, 64) +
							  "\",false,\"pow: 30 bits needed\"]");
			}
		},
		options);
	Prober prober;
	const Found found =
		prober.probe(relay.url(), false, nostr::to_json(make_event(1700000001, "a check")));
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_EQ(found.step(Step::Read).outcome, Outcome::Failed);
	EXPECT_EQ(found.step(Step::Read).reason, "auth_required");
	EXPECT_EQ(found.step(Step::Read).detail, "auth-required: who are you");
	EXPECT_GE(found.step(Step::Read).microseconds, 0);
	EXPECT_EQ(found.step(Step::Write).reason, "pow");
	EXPECT_GE(found.step(Step::Write).microseconds, 0);
	EXPECT_EQ(found.step(Step::ReadBack).outcome, Outcome::NotRun);
}

/* It says OK to an event and forgets it. */
TEST(NetProbe, WrittenAndNotShown)
{
	ScriptedRelay relay([](Peer &peer) {
		for (;;) {
			const std::string message = peer.receive(), id = req_id(message);
			if (!id.empty())
				peer.text(eose_message(id));
			if (message.starts_with("[\"EVENT\",{\"id\":\""))
				peer.text("[\"OK\",\"" + message.substr(16, 64) + "\",true,\"\"]");
		}
	});
	Prober prober;
	const Found found =
		prober.probe(relay.url(), false, nostr::to_json(make_event(1700000001, "a check")));
	EXPECT_EQ(found.step(Step::Write).outcome, Outcome::Ok);
	EXPECT_EQ(found.step(Step::ReadBack).outcome, Outcome::Failed);
	EXPECT_EQ(found.step(Step::ReadBack).reason, "not_found");
}

TEST(NetProbe, WhatIsNoRelay)
{
	Prober prober(quick());
	ScriptedRelay silent([](Peer &peer) { peer.linger(); });
	Found found = prober.probe(silent.url());
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.step(Step::Upgrade).outcome, Outcome::Ok);
	EXPECT_EQ(found.step(Step::Read).reason, "no_answer");
	EXPECT_EQ(found.step(Step::Read).detail, "a WebSocket opens, and does not answer a question");
	EXPECT_GE(found.step(Step::Read).microseconds, kPatience);

	ScriptedRelay brief([](Peer &peer) { peer.receive(); });
	found = prober.probe(brief.url());
	EXPECT_EQ(found.step(Step::Read).reason, "connection_lost");
	EXPECT_GE(found.step(Step::Read).microseconds, 0);

	ScriptedRelay echo([](Peer &peer) {
		for (;;)
			peer.text(peer.receive());
	});
	found = prober.probe(echo.url());
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.step(Step::Read).detail, "a WebSocket opens, and what it says is not Nostr");

	/* A document does not make a relay. */
	ScriptedRelay::Options options;
	options.http_answer = options.document = kDocument;
	ScriptedRelay document_only([](Peer &) {}, options);
	found = prober.probe(document_only.url());
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.step(Step::Upgrade).reason, "web_server");
	EXPECT_EQ(found.step(Step::Document).outcome, Outcome::Ok);

	WebServer page(http_answer("<html>hello</html>", "Content-Type: text/html\r\n"));
	found = prober.probe("ws://" + page.host());
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.step(Step::Upgrade).detail,
			  "HTTP status 200: a web server answers there, not a relay");
	EXPECT_GT(found.step(Step::Upgrade).microseconds, 0);
	EXPECT_EQ(found.step(Step::Document).reason, "web_page");

	WebServer broken(std::string("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
	found = prober.probe("ws://" + broken.host());
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.step(Step::Upgrade).reason, "http_error");
	EXPECT_EQ(found.http_status, 502);

	WebServer odd(std::string("HTTP/1.1 1000 x\r\nContent-Length: 0\r\n\r\n"));
	found = prober.probe("ws://" + odd.host());
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.http_status, 0);

	WebServer foreign(std::string("SSH-2.0-OpenSSH_9.2\r\n"));
	found = prober.probe("ws://" + foreign.host());
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.step(Step::Upgrade).reason, "handshake_failed");
	EXPECT_EQ(found.step(Step::Document).outcome, Outcome::NotRun);
}

TEST(NetProbe, Tls)
{
	Certificate certificate("DNS:localhost");
	wire::ProbeSettings settings = quick();
	settings.dial.tls_ca_file = certificate.path();
	Prober prober(settings);
	ScriptedRelay::Options options;
	options.document = kDocument;
	options.tls_cert = certificate.path();
	ScriptedRelay good(answer_all, options);
	Found found = prober.probe(good.url());
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_EQ(found.step(Step::Tls).outcome, Outcome::Ok);
	EXPECT_EQ(found.step(Step::Document).outcome, Outcome::Ok);
	EXPECT_EQ(found.certificate_faults, std::vector<std::string>{""});

	options = {.http_answer = "HTTP/1.1 400 Bad Request\r\n\r\n", .at_once = true};
	ScriptedRelay plain([](Peer &) {}, options);
	found = prober.probe("wss://127.0.0.1:" + std::to_string(plain.port()));
	EXPECT_EQ(found.verdict, Verdict::NotNostr);
	EXPECT_EQ(found.step(Step::Tls).reason, "tls_failed");
	EXPECT_NE(found.step(Step::Tls).detail.find("may not speak TLS"), std::string::npos);
	EXPECT_TRUE(found.certificate_faults.empty());

	/* TCP opens, and then nothing comes. */
	LocalServer hole([](int fd) {
		char waste[1024];
		while (recv(fd, waste, sizeof waste, 0) > 0)
			;
	});
	found = prober.probe("wss://127.0.0.1:" + std::to_string(hole.port()));
	EXPECT_EQ(found.verdict, Verdict::Down);
	EXPECT_EQ(found.step(Step::Connect).outcome, Outcome::Ok);
	EXPECT_EQ(found.step(Step::Tls).reason, "connect_timeout");
	EXPECT_GT(found.step(Step::Tls).microseconds, 0);
}

TEST(NetProbe, BadCertificates)
{
	Certificate trusted("DNS:localhost"), stranger("DNS:localhost"), expired("DNS:localhost", -60),
		other("DNS:other.example.com");
	struct
	{
		const Certificate &shown, &trusted;
		const char *fault;
	} cases[] = {{stranger, trusted, "self-signed certificate"},
				 {expired, expired, "certificate has expired"},
				 {other, other, "hostname mismatch"}};
	for (const auto &one : cases) {
		ScriptedRelay relay(answer_all, {.document = kDocument, .tls_cert = one.shown.path()});
		wire::ProbeSettings settings = quick();
		settings.dial.tls_ca_file = one.trusted.path();
		Prober prober(settings);
		const Found found = prober.probe(relay.url());
		EXPECT_EQ(found.verdict, Verdict::NotNostr);
		EXPECT_EQ(found.step(Step::Connect).outcome, Outcome::Ok);
		EXPECT_EQ(found.step(Step::Tls).reason, "bad_certificate");
		EXPECT_EQ(found.step(Step::Tls).detail, one.fault);
		EXPECT_GT(found.step(Step::Tls).microseconds, 0);
		EXPECT_EQ(found.certificate_faults, std::vector<std::string>{one.fault});
		EXPECT_EQ(found.step(Step::Document).outcome, Outcome::NotRun);
	}
}

/* The relay is where it may be; its document leads to where nothing may be asked. */
TEST(NetProbe, DocumentElsewhere)
{
	const std::string redirect = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:25/\r\n"
								 "Content-Length: 0\r\n\r\n";
	ScriptedRelay relay(answer_all, {.document = redirect});
	Prober prober(quick());
	const Found found = prober.probe(relay.url());
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_EQ(found.step(Step::Document).reason, "blocked_port");
}

TEST(NetProbe, FloodsEndAndManyVisitsShareAPlace)
{
	ScriptedRelay::Options options;
	options.document = kDocument;
	ScriptedRelay flood(
		[](Peer &peer) {
			for (;;)
				peer.text(R"(["NOTICE","again"])");
		},
		options);
	wire::ProbeSettings settings = Prober::default_settings();
	settings.max_per_address = 1;
	Prober prober(settings);
	Found found = prober.probe(flood.url());
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_EQ(found.step(Step::Read).reason, "flood");

	ScriptedRelay relay(answer_all, options);
	prober.found.clear();
	for (int i = 1; i <= 8; i++)
		prober.visit(i, relay.url());
	ASSERT_TRUE(prober.until(8));
	for (const auto &[relay_id, one] : prober.found)
		EXPECT_EQ(one.verdict, Verdict::Nostr) << relay_id;
}

/* Tasks of another role, and work before the settings, are faults of the worker. */
TEST(NetProbe, RolesRefuseWhatIsNotTheirs)
{
	for (const std::string &frame :
		 {wire::encode(wire::RelayOpen{.relay_id = 1}), wire::encode(wire::Ack{7}),
		  wire::encode(wire::ArchiveSettings{})}) {
		Prober prober;
		prober.send(wire::VisitStop{.relay_id = 1, .attempt = 1}); // of nothing: no fault
		prober.write(frame);
		EXPECT_FALSE(prober.until(1));
		EXPECT_EQ(prober.stop(), 1);
	}
}
