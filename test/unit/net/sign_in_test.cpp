/* NIP-42: relays that ask who reads. */
#include <future>

#include <gtest/gtest.h>

#include "nostr/relay_request.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;
using wire::ReadAs, wire::RelayPhase;

namespace {

struct Doorkeeper
{
	bool at_once = true;         // else it asks when it is asked something
	bool challenge_first = true; // else it refuses first
	bool accepts = true;         // the answer
	bool answers = true;         // AUTH at all
	bool refuses_live = true;    // the live subscription, too
	const char *text = "";       // of its answer
	int challenges = 1;
};

/* Serves those who have signed in. */
ScriptedRelay::Script
guarded(Doorkeeper door)
{
	return [door, events = make_events(5, 1000)](Peer &peer) {
		bool known = false;
		auto challenge = [&] {
			for (int i = 0; i < door.challenges; i++)
				peer.text("[\"AUTH\",\"c" + std::to_string(i) + "\"]");
		};
		if (door.at_once)
			challenge();
		for (;;) {
			std::string message = peer.receive();
			nostr::ClientMessage parsed;
			if (nostr::parse_client_message(message, parsed) != nostr::Reject::None)
				continue;
			if (parsed.type == nostr::ClientMessageType::Auth && door.answers) {
				const nostr::Event &event = parsed.event;
				const bool good = door.accepts && event.kind == 22242 &&
								  event.tags.find("[\"challenge\",\"c0\"]") != event.tags.npos &&
								  nostr::Verifier().verify(event.id, event.pubkey, event.sig);
				known |= good;
				peer.text("[\"OK\",\"" + nostr::to_hex(event.id.data(), 32) + "\"," +
						  (good ? "true" : "false") + ",\"" + door.text + "\"]");
			} else if (parsed.type == nostr::ClientMessageType::Req) {
				if (known || (parsed.subscription == "live" && !door.refuses_live)) {
					serve_one(peer, known ? events : std::vector<nostr::Event>(), 10, message);
					continue;
				}
				bool asks = !door.at_once && parsed.subscription != "live";
				if (asks && door.challenge_first)
					challenge();
				peer.text("[\"CLOSED\",\"" + parsed.subscription +
						  "\",\"auth-required: who are you?\"]");
				if (asks && !door.challenge_first)
					challenge();
			}
		}
	};
}

void
open(Worker &worker, const ScriptedRelay &relay, bool sign_in)
{
	std::string url = relay.url();
	wire::RelayOpen task{.relay_id = 1, .attempt = 1, .url = url, .live = true, .sign_in = sign_in};
	if (!sign_in)
		task.ranges.push_back({.lower = 0, .upper = 5000});
	worker.send(task);
}

void
ask(Worker &worker, ReadAs reader)
{
	worker.send(wire::RelayMore{
		.relay_id = 1, .attempt = 1, .ranges = {{.lower = 0, .upper = 5000}}, .reader = reader});
}

/* The relay is read signed in. */
void
expect_all_read(Worker &worker)
{
	ask(worker, ReadAs::SignedIn);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, RelayPhase::CaughtUp); }));
	EXPECT_EQ(worker.events.size(), 5U);
	ASSERT_FALSE(worker.claims.empty());
	EXPECT_EQ(worker.claims.back().reader, ReadAs::SignedIn);
	EXPECT_FALSE(worker.claims.back().claim.doubts.has(nostr::Doubt::Auth));
	EXPECT_EQ(worker.ended(1), nullptr);
}

} // namespace

TEST(NetSignIn, BeforeAnythingIsAsked)
{
	ScriptedRelay relay(guarded({}));
	Worker worker;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, RelayPhase::SignedIn); }));
	EXPECT_FALSE(worker.reported(1, RelayPhase::Connected));
	EXPECT_EQ(worker.challenges, std::vector<std::string>{"c0"});
	expect_all_read(worker);
}

TEST(NetSignIn, WhenSomethingIsAsked)
{
	for (bool challenge_first : {true, false}) {
		ScriptedRelay relay(guarded({.at_once = false, .challenge_first = challenge_first}));
		Worker worker;
		open(worker, relay, true);
		ASSERT_TRUE(worker.until([&] {
			worker.clock.advance(std::chrono::seconds(1));
			return worker.reported(1, RelayPhase::Connected);
		}));
		ask(worker, ReadAs::Anonymous);
		ASSERT_TRUE(worker.until([&] { return worker.reported(1, RelayPhase::SignedIn); }));
		EXPECT_TRUE(worker.claims.empty());
		expect_all_read(worker);
	}
}

TEST(NetSignIn, RelaysThatDoNotAsk)
{
	ScriptedRelay relay(serve_events(make_events(5, 1000), 10));
	Worker worker;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until([&] {
		worker.clock.advance(std::chrono::seconds(1));
		return worker.reported(1, RelayPhase::Connected);
	}));
	ask(worker, ReadAs::Anonymous);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, RelayPhase::CaughtUp); }));
	ASSERT_FALSE(worker.claims.empty());
	EXPECT_EQ(worker.claims.back().reader, ReadAs::Anonymous);
	EXPECT_TRUE(worker.challenges.empty());
}

TEST(NetSignIn, Refused)
{
	ScriptedRelay relay(guarded({.accepts = false, .text = "restricted: members only"}));
	Worker worker;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "auth_refused");
	EXPECT_EQ(worker.ended(1)->detail, "restricted: members only");
	EXPECT_TRUE(worker.claims.empty());
}

/* The relay takes only the answer to the first of two challenges. */
TEST(NetSignIn, OneOfTwoAnswersIsEnough)
{
	ScriptedRelay relay(guarded({.challenges = 2}));
	Worker worker;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, RelayPhase::SignedIn); }));
	expect_all_read(worker);
	EXPECT_EQ(worker.challenges.size(), 2U);
}

/* The worker asked before it knew that the relay had been signed in to. */
TEST(NetSignIn, QuestionsOfTheOtherReaderAreIgnored)
{
	ScriptedRelay relay(guarded({}));
	Worker worker;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, RelayPhase::SignedIn); }));
	worker.send(wire::RelayMore{.relay_id = 1,
								.attempt = 1,
								.ranges = {{.lower = 6000, .upper = 7000}},
								.reader = ReadAs::Anonymous});
	expect_all_read(worker);
	for (const auto &claim : worker.claims)
		EXPECT_LE(claim.claim.range.upper, 5000);
}

/* The worker answers what was asked for a comparison that the authentication ended. */
TEST(NetSignIn, AnswersForADroppedComparison)
{
	const std::vector<nostr::Event> events = make_events(5, 1000);
	std::promise<void> asked;
	ScriptedRelay relay([&, waits = asked.get_future().share()](Peer &peer) {
		serve_one(peer, {}, 10, peer.receive()); // the live subscription
		waits.wait();
		peer.text("[\"AUTH\",\"c0\"]");
		for (;;) {
			const std::string message = peer.receive();
			nostr::ClientMessage parsed;
			if (nostr::parse_client_message(message, parsed) == nostr::Reject::None &&
				parsed.type == nostr::ClientMessageType::Auth)
				peer.text("[\"OK\",\"" + nostr::to_hex(nostr::view(parsed.event.id)) +
						  "\",true,\"\"]");
			else
				serve_one(peer, events, 10, message);
		}
	});
	Worker worker;
	worker.hold_seen = true;
	worker.shown = events;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until([&] {
		worker.clock.advance(std::chrono::seconds(1));
		return worker.reported(1, RelayPhase::Connected);
	}));
	worker.send(wire::RelayMore{
		.relay_id = 1,
		.attempt = 1,
		.ranges = {{.lower = 0, .upper = 5000, .purpose = wire::Purpose::Reconcile}}});
	ASSERT_TRUE(worker.until([&] { return worker.windows.size() == 1; }));
	asked.set_value();
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, RelayPhase::SignedIn); }));
	worker.answer_held();
	expect_all_read(worker);
}

TEST(NetSignIn, NoAnswer)
{
	ScriptedRelay relay(guarded({.answers = false}));
	Worker worker;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until([&] {
		worker.clock.advance(std::chrono::seconds(1));
		return worker.ended(1) != nullptr;
	}));
	EXPECT_EQ(worker.ended(1)->reason, "auth_required");
}

TEST(NetSignIn, EndlessChallenges)
{
	ScriptedRelay relay(guarded({.accepts = false, .challenges = 30000}));
	Worker worker;
	open(worker, relay, true);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_LE(worker.challenges.size(), 10U);
}

TEST(NetSignIn, NobodyIsToldWithoutPermission)
{
	ScriptedRelay relay(guarded({}));
	Worker worker;
	open(worker, relay, false);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "auth_required");
	EXPECT_TRUE(worker.challenges.empty());
	EXPECT_TRUE(worker.reported(1, RelayPhase::Connected));
}

TEST(NetSignIn, AnswersToNothingAreRefused)
{
	ScriptedRelay relay([](Peer &peer) {
		peer.text("[\"OK\",\"" + std::string(64, '0') + "\",true,\"\"]");
		peer.linger();
	});
	Worker worker;
	open(worker, relay, true);
	EXPECT_TRUE(worker.until([&] { return worker.refusals[{1, "unexpected_message"}] == 1; }));
	EXPECT_FALSE(worker.reported(1, RelayPhase::SignedIn));
}
