/* Role publish: events go to a relay one after the other, and each answer is told; relays are
 * listened to. */
#include <algorithm>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/job/listen_job.h"
#include "net/process.h"
#include "nostr/relay_request.h"
#include "scripted_relay.h"
#include "wire/publish.h"
#include "worker.h"

using namespace test;

namespace {

/* The worker of a net process of this role. */
class Publisher
{
  public:
	Publisher()
	{
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
			throw std::runtime_error("socketpair");
		fd_ = pair[0];
		process_ = std::thread([this, fd = pair[1]] {
			exit_code_ = net::serve(fd, wire::Role::Publish, clock_, nullptr);
		});
		send(wire::PublishSettings{.dial = {.allow_local_relays = true},
								   .response_timeout_ms = 5000});
	}
	~Publisher()
	{
		shutdown(fd_, SHUT_RDWR);
		process_.join();
		close(fd_);
		EXPECT_EQ(exit_code_, 0);
	}

	/* Sends the events, and handles messages until the connection has ended. */
	void publish(const std::string &url, const std::vector<nostr::Event> &events)
	{
		wire::Publish task{.relay_id = 1, .attempt = ++attempt_, .url = url, .events = {}};
		std::vector<std::string> texts;
		for (const nostr::Event &event : events)
			texts.push_back(nostr::to_json(event));
		for (size_t i = 0; i < events.size(); i++)
			task.events.push_back({.id = &events[i].id, .event = texts[i]});
		answers.clear();
		ended = false;
		send(task);
		const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
		while (!ended && std::chrono::steady_clock::now() < give_up)
			read_some();
		EXPECT_TRUE(ended);
	}

	/* Handles messages until so many events were heard, or the connection has ended. */
	void listen(const std::string &url, const std::vector<int32_t> &kinds, size_t count,
				const std::vector<nostr::PublicKey> &authors = {})
	{
		wire::Listen task{.relay_id = 2,
						  .attempt = ++attempt_,
						  .url = url,
						  .kinds = {},
						  .authors = {},
						  .since = 900};
		for (int32_t kind : kinds)
			task.kinds.push_back({kind});
		for (const nostr::PublicKey &author : authors)
			task.authors.push_back({&author});
		heard.clear();
		ended = false;
		send(task);
		hear(count);
	}
	void hear(size_t count)
	{
		const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
		while (!ended && heard.size() < count && std::chrono::steady_clock::now() < give_up)
			read_some();
		EXPECT_TRUE(ended || heard.size() >= count); // one read may bring several
	}
	void stop_listening() { send(wire::StopListening{.relay_id = 2}); }

	std::vector<nostr::Event> heard;

	struct Answer
	{
		nostr::Id id;
		bool accepted;
		std::string text;
	};
	std::vector<Answer> answers;
	std::string reason;
	bool ended = false;
	int challenges = 0;

  private:
	template <class Message> void send(const Message &message)
	{
		const std::string frame = wire::encode(message);
		ASSERT_EQ(write(fd_, frame.data(), frame.size()), ssize_t(frame.size()));
	}

	void read_some()
	{
		pollfd readable{.fd = fd_, .events = POLLIN};
		if (poll(&readable, 1, 100) <= 0)
			return;
		constexpr size_t most = 4096;
		const ssize_t size = read(fd_, input_.reserve(most), most);
		ASSERT_GT(size, 0) << "the net process has ended";
		input_.filled(size_t(size));
		while (const auto frame = input_.next())
			handle(*frame);
	}

	void handle(const wire::Frame &frame)
	{
		std::string fault;
		auto message =
			wire::decode<std::variant<wire::Hello, wire::Log, wire::Stats, wire::SignIn,
									  wire::Answered, wire::Heard, wire::ConnectionEnded>>(frame,
																						   fault);
		ASSERT_TRUE(message) << fault;
		std::visit([this](const auto &one) { take(one); }, *message);
	}

	void take(const wire::Hello &hello) { EXPECT_EQ(hello.role, wire::Role::Publish); }
	void take(const wire::Log &) {}
	void take(const wire::Stats &) {}
	void take(const wire::SignIn &question)
	{
		challenges++;
		nostr::SecretKey secret{};
		secret[31] = 1;
		nostr::Event event =
			nostr::auth_event(nostr::Signer(secret), "ws://relay", question.challenge, 1735689600);
		std::string text = nostr::to_json(event);
		send(wire::SignedIn{.relay_id = question.relay_id,
							.attempt = question.attempt,
							.id = &event.id,
							.event = text});
	}
	void take(const wire::Answered &answer)
	{
		EXPECT_EQ(answer.attempt, attempt_);
		answers.push_back(
			{.id = *answer.id, .accepted = answer.accepted, .text = std::string(answer.text)});
	}
	void take(const wire::ConnectionEnded &end)
	{
		reason = end.reason;
		ended = true;
	}

	void take(const wire::Heard &message) { heard.push_back(wire::copy(message.event)); }

	net::Clock clock_;
	int fd_ = -1;
	wire::FrameBuffer input_;
	std::thread process_;
	int exit_code_ = -1;
	uint32_t attempt_ = 0;
};

std::string
ok_message(const nostr::Id &id, bool accepted, const std::string &text)
{
	return "[\"OK\",\"" + nostr::to_hex(nostr::view(id)) + "\"," + (accepted ? "true" : "false") +
		   ",\"" + text + "\"]";
}

/* Answers EVENT as told. */
ScriptedRelay::Script
answers_with(std::function<void(Peer &, const nostr::ClientMessage &)> answer)
{
	return [answer](Peer &peer) {
		for (;;) {
			nostr::ClientMessage message;
			if (nostr::parse_client_message(peer.receive(), message) == nostr::Reject::None)
				answer(peer, message);
		}
	};
}

} // namespace

TEST(NetPublish, EachEventIsAnswered)
{
	const auto events = make_events(3, 1000);
	ScriptedRelay relay(answers_with([&](Peer &peer, const nostr::ClientMessage &message) {
		const bool second = message.event.id == events[1].id;
		/* An answer to nothing does no harm. */
		peer.text(ok_message(nostr::Id{}, true, ""));
		peer.text(ok_message(message.event.id, !second, second ? "blocked: no" : ""));
	}));
	Publisher worker;
	worker.publish(relay.url(), events);
	ASSERT_EQ(worker.answers.size(), 3U);
	EXPECT_EQ(worker.reason, "");
	for (size_t i = 0; i < 3; i++) {
		EXPECT_EQ(worker.answers[i].id, events[i].id);
		EXPECT_EQ(worker.answers[i].accepted, i != 1);
	}
	EXPECT_EQ(worker.answers[1].text, "blocked: no");
	/* The same relay again, on another connection. */
	worker.publish(relay.url(), {events[0]});
	EXPECT_EQ(worker.answers.size(), 1U);
}

TEST(NetPublish, RelaysThatAskWhoWrites)
{
	for (bool accepts : {true, false}) {
		const auto events = make_events(2, 1000);
		bool known = false;
		ScriptedRelay relay(answers_with([&](Peer &peer, const nostr::ClientMessage &message) {
			if (message.type == nostr::ClientMessageType::Auth) {
				known = accepts && message.event.kind == 22242;
				peer.text(ok_message(message.event.id, known, known ? "" : "restricted: members"));
				return;
			}
			peer.text(ok_message(message.event.id, known, known ? "" : "auth-required: who?"));
			if (!known)
				peer.text("[\"AUTH\",\"c0\"]");
		}));
		Publisher worker;
		worker.publish(relay.url(), events);
		ASSERT_EQ(worker.answers.size(), 2U);
		EXPECT_EQ(worker.answers[0].accepted, accepts);
		EXPECT_EQ(worker.answers[1].accepted, accepts);
		EXPECT_EQ(worker.challenges, accepts ? 1 : 2);
	}
}

TEST(NetPublish, RelaysThatDoNotAnswer)
{
	const auto events = make_events(2, 1000);
	ScriptedRelay relay(answers_with([&](Peer &peer, const nostr::ClientMessage &message) {
		if (message.event.id == events[0].id)
			peer.text(ok_message(message.event.id, true, ""));
	}));
	Publisher worker;
	worker.publish(relay.url(), events);
	EXPECT_EQ(worker.answers.size(), 1U);
	EXPECT_EQ(worker.reason, "stalled");
}

TEST(NetPublish, RelaysThatAreWrittenToTooFast)
{
	const auto events = make_events(3, 1000);
	ScriptedRelay relay(answers_with([&](Peer &peer, const nostr::ClientMessage &message) {
		const bool first = message.event.id == events[0].id;
		peer.text(ok_message(message.event.id, first, first ? "" : "rate-limited: slow down"));
	}));
	Publisher worker;
	worker.publish(relay.url(), events);
	EXPECT_EQ(worker.answers.size(), 2U);
	EXPECT_EQ(worker.reason, "rate_limited");
}

TEST(NetPublish, Floods)
{
	ScriptedRelay relay(answers_with([](Peer &peer, const nostr::ClientMessage &) {
		for (int i = 0; i < 2000; i++)
			peer.text("[\"NOTICE\",\"buy\"]");
		peer.linger();
	}));
	Publisher worker;
	worker.publish(relay.url(), make_events(1, 1000));
	EXPECT_TRUE(worker.answers.empty());
	EXPECT_EQ(worker.reason, "flood");
}

/* Stored events and new ones; what is forged or of another kind is not passed on. */
TEST(NetListen, StoredAndNew)
{
	auto events = make_events(4, 1000);
	nostr::Event forged = events[1];
	forged.sig[0] ^= 1;
	std::string question;
	ScriptedRelay relay(
		answer_each([&](Peer &peer, const std::string &id, const std::string &text) {
			/* Written once: later pages are asked for while the test reads the question. */
			if (question.empty())
				question = text;
			peer.text(event_message(id, events[0]));
			peer.text(event_message(id, forged));
			peer.text("[\"EOSE\",\"" + id + "\"]");
			peer.text(event_message(id, events[2]));
		}));
	Publisher worker;
	worker.listen(relay.url(), {events[0].kind, events[2].kind}, 2);
	ASSERT_GE(worker.heard.size(), 2U);
	EXPECT_EQ(worker.heard[0].id, events[0].id);
	EXPECT_EQ(worker.heard[1].id, events[2].id);
	EXPECT_EQ(worker.heard[1].tags, events[2].tags);
	EXPECT_NE(question.find("\"since\":900"), question.npos);
	EXPECT_NE(question.find("\"kinds\":["), question.npos);
	worker.stop_listening();
	worker.hear(SIZE_MAX);
	EXPECT_TRUE(worker.ended);
	EXPECT_EQ(worker.reason, "");
}

TEST(NetListen, OnlyOfTheseAuthors)
{
	const auto events = make_events(1, 1000);
	nostr::SecretKey secret{};
	secret[31] = 9;
	const nostr::Signer author(secret);
	nostr::Event wanted = events[0];
	author.sign(wanted);
	std::string question;
	ScriptedRelay relay(
		answer_each([&](Peer &peer, const std::string &id, const std::string &text) {
			if (question.empty())
				question = text;
			peer.text(event_message(id, events[0]));
			peer.text(event_message(id, wanted));
			peer.text("[\"EOSE\",\"" + id + "\"]");
		}));
	Publisher worker;
	worker.listen(relay.url(), {wanted.kind}, 1, {author.pubkey()});
	ASSERT_GE(worker.heard.size(), 1U);
	EXPECT_EQ(worker.heard[0].id, wanted.id);
	EXPECT_NE(question.find("\"authors\":[\"" + nostr::to_hex(nostr::view(author.pubkey()))),
			  question.npos);
}

/* Relays send so many stored events and no more: the others are asked for. */
TEST(NetListen, MoreThanAPage)
{
	const auto events = make_events(25, 1000);
	std::vector<int32_t> kinds;
	for (const nostr::Event &event : events)
		kinds.push_back(event.kind);
	std::sort(kinds.begin(), kinds.end());
	kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
	ScriptedRelay relay(serve_events(events, 10));
	Publisher worker;
	worker.listen(relay.url(), kinds, 27);
	std::set<nostr::Id> ids;
	for (const nostr::Event &event : worker.heard)
		ids.insert(event.id);
	EXPECT_EQ(ids.size(), 25U);
}

TEST(NetListen, RelaysThatAskWhoListens)
{
	const auto events = make_events(1, 1000);
	std::string subscription;
	bool known = false;
	ScriptedRelay relay(answers_with([&](Peer &peer, const nostr::ClientMessage &message) {
		if (message.type == nostr::ClientMessageType::Auth) {
			known = true;
			peer.text(ok_message(message.event.id, true, ""));
		} else if (message.type == nostr::ClientMessageType::Req && known)
			peer.text(event_message(message.subscription, events[0]));
		else if (message.type == nostr::ClientMessageType::Req) {
			peer.text("[\"CLOSED\",\"" + message.subscription + "\",\"auth-required: who?\"]");
			peer.text("[\"AUTH\",\"c0\"]");
		}
	}));
	Publisher worker;
	worker.listen(relay.url(), {events[0].kind}, 1);
	EXPECT_EQ(worker.heard.size(), 1U);
	EXPECT_EQ(worker.challenges, 1);
}

TEST(NetListen, RelaysThatRefuseOrDoNotAnswer)
{
	Publisher worker;
	ScriptedRelay refusing(answer_each([](Peer &peer, const std::string &id, const std::string &) {
		peer.text("[\"CLOSED\",\"" + id + "\",\"blocked: no\"]");
	}));
	worker.listen(refusing.url(), {1}, 1);
	EXPECT_EQ(worker.reason, "closed");
	ScriptedRelay silent(answers_with([](Peer &, const nostr::ClientMessage &) {}));
	worker.listen(silent.url(), {1}, 1);
	EXPECT_EQ(worker.reason, "stalled");
}

TEST(NetListen, Floods)
{
	ScriptedRelay relay(answers_with([](Peer &peer, const nostr::ClientMessage &) {
		for (int i = 0; i < 2 * net::ListenJob::kMostPerMinute; i++)
			peer.text("[\"NOTICE\",\"buy\"]");
		peer.linger();
	}));
	Publisher worker;
	worker.listen(relay.url(), {1}, 1);
	EXPECT_TRUE(worker.ended);
	EXPECT_EQ(worker.reason, "flood");
}
