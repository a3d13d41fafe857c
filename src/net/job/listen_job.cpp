#include "net/job/listen_job.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "nostr/message.h"

namespace net {

using namespace std::chrono_literals;

constexpr int kMaxChallenges = 3;
constexpr int kMostPages = 100;
constexpr int kPageLimit = 500;          // largest number of events in one page
constexpr size_t kMostQueued = 64 << 20; // bytes that wait for the worker

ListenJob::ListenJob(ClientHost &host, Link &link, nostr::Verifier &verifier,
					 const wire::Listen &task)
	: link_(link), verifier_(verifier), relay_id_(task.relay_id), attempt_(task.attempt),
	  client_(host, *this)
{
	for (const wire::ListenedKind &one : task.kinds)
		window_.kinds.push_back(one.kind);
	for (const wire::ListenedAuthor &one : task.authors)
		window_.authors.push_back(*one.pubkey);
	window_.since = task.since;
	window_.limit = kPageLimit;
	client_.start(task.url);
}

void
ListenJob::ask()
{
	asked_ = minute_ = client_.now();
	answered_ = refused_ = false;
	window_.until.reset();
	oldest_ = INT64_MAX;
	page_.count = 0;
	client_.ask(client_.new_id('j'), window_, *this);
}

void
ListenJob::on_event(nostr::Event &event, std::string_view)
{
	/* While pages are read, this subscription brings new events only, of any time. */
	if (page_.count == 0)
		oldest_ = std::min(oldest_, event.created_at);
	take(event);
}

/* Stored events and new events are treated alike: the worker decides what is new. */
void
ListenJob::take(const nostr::Event &event)
{
	count();
	if (over())
		return;
	/* The worker does not read, because it is paused or waits for the disk. */
	if (link_.queued() > kMostQueued)
		return cut("no_memory", "");
	const auto &authors = window_.authors;
	if (std::find(window_.kinds.begin(), window_.kinds.end(), event.kind) == window_.kinds.end() ||
		(!authors.empty() &&
		 std::find(authors.begin(), authors.end(), event.pubkey) == authors.end()) ||
		!verifier_.verify(event.id, event.pubkey, event.sig))
		return;
	link_.send(wire::Heard{.relay_id = relay_id_,
						   .attempt = attempt_,
						   .event = {.id = &event.id,
									 .pubkey = &event.pubkey,
									 .sig = &event.sig,
									 .created_at = event.created_at,
									 .kind = event.kind,
									 .tags = event.tags,
									 .content = event.content,
									 .has_nul = event.has_nul}});
}

/* The next page begins with the oldest second of this page: the relay may have sent only some of
 * the events of that second. */
void
ListenJob::on_end_of_stored(bool)
{
	answered_ = true;
	if (!page_.id.empty())
		client_.close(std::exchange(page_.id, {}));
	if (oldest_ >= window_.until.value_or(INT64_MAX) || oldest_ <= *window_.since ||
		page_.count == kMostPages)
		return;
	answered_ = false;
	asked_ = client_.now();
	window_.until = oldest_;
	page_.count++;
	page_.id = client_.new_id('p');
	client_.ask(page_.id, window_, page_);
}

void
ListenJob::on_ignored()
{
	count();
}

void
ListenJob::count()
{
	const Clock::Time now = client_.now();
	if (now - minute_ >= 1min) {
		minute_ = now;
		in_minute_ = 0;
	}
	if (++in_minute_ > kMostPerMinute)
		cut("flood", "more than " + std::to_string(kMostPerMinute) + " messages in a minute");
}

/* The challenge may come before or after this refusal. */
void
ListenJob::on_closed(std::string_view reason)
{
	if (nostr::reason_prefix(reason) == "auth-required" && !refused_) {
		refused_ = true;
		asked_ = client_.now();
		return;
	}
	cut("closed", reason);
}

void
ListenJob::on_auth(std::string_view challenge)
{
	if (challenge.size() > nostr::kMaxChallenge || challenges_ == kMaxChallenges)
		return;
	challenges_++;
	link_.send(wire::SignIn{.relay_id = relay_id_, .attempt = attempt_, .challenge = challenge});
}

void
ListenJob::sign_in(const wire::SignedIn &answer)
{
	if (client_.state() == RelayClient::State::Open)
		client_.authenticate(*answer.id, answer.event);
}

void
ListenJob::on_authenticated(bool accepted, std::string_view text)
{
	if (!refused_)
		return;
	if (accepted)
		ask();
	else
		cut("auth_refused", text);
}

void
ListenJob::tick()
{
	client_.tick();
	if (client_.state() == RelayClient::State::Open && !answered_ &&
		client_.now() - asked_ > client_.host().config.response_timeout)
		cut("stalled", refused_ ? "no answer to AUTH" : "no answer to REQ");
}

void
ListenJob::stop()
{
	if (over())
		return;
	client_.end(true);
	on_ended("", "");
}

void
ListenJob::on_ended(const char *reason, std::string_view detail)
{
	link_.send(wire::ConnectionEnded{
		.relay_id = relay_id_, .attempt = attempt_, .reason = reason, .detail = detail});
}

void
ListenJob::cut(const char *reason, std::string_view detail)
{
	if (over())
		return;
	client_.end(false);
	on_ended(reason, detail);
}

} // namespace net
