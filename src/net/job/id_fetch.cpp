#include "net/job/id_fetch.h"

#include <algorithm>

namespace net {

/* Number of ids in one question. */
constexpr size_t kBatch = 100;
/* Time for which memory is reserved for the events of an answer. */
constexpr std::chrono::seconds kPromiseKept{2};
/* Limit of the time of one answer, in response timeouts, even if events keep coming. */
constexpr int kMostTimeouts = 10;
/* How often a relay may say in a row that it is asked too fast. */
constexpr int kMaxComplaints = 5;

void
IdFetch::start(const std::vector<nostr::Id> &ids, Tries tries)
{
	wanted_.assign(ids.begin(), ids.end());
	last_try_ = tries == Tries::Once;
	served_ = not_served_ = refused_ = 0;
	span_.reset();
}

bool
IdFetch::ask()
{
	const size_t count = std::min(wanted_.size(), kBatch);
	const size_t room = count * context_.learned.event_bytes;
	if (!context_.intake.budget().reserve(room))
		return false;
	promised_.take(room);
	nostr::Window window;
	window.members = "\"ids\":[";
	for (size_t i = 0; i < count; i++) {
		const nostr::Id &id = wanted_[i];
		window.members += (i == 0 ? "\"" : ",\"") + nostr::to_hex(id.data(), id.size()) + '"';
		awaited_.insert(id);
	}
	window.members += ']';
	wanted_.erase(wanted_.begin(), wanted_.begin() + ptrdiff_t(count));
	since_ = progress_ = context_.client.now();
	context_.learned.pacer.asked(since_);
	context_.questions++;
	id_ = context_.client.new_id('i');
	context_.client.ask(id_, window, *this);
	return true;
}

void
IdFetch::on_event(nostr::Event &event, std::string_view text)
{
	progress_ = context_.client.now();
	if (awaited_.erase(event.id) == 0)
		return context_.client.refuse("unexpected_event", text);
	context_.delivered++;
	served_++;
	include(span_, event.created_at);
	promised_.spend([&] { context_.pass_on(event, Delivery::Needed); });
}

/* The id of the event is unknown, so the event also counts as one that was not served. */
void
IdFetch::on_refused_event(std::string_view)
{
	progress_ = context_.client.now();
	refused_ += last_try_;
}

void
IdFetch::on_end_of_stored(bool)
{
	context_.client.close(id_);
	answered();
}

void
IdFetch::on_closed(std::string_view text)
{
	if (nostr::reason_prefix(text) != "rate-limited")
		return answered();
	context_.learned.pacer.slower(context_.client.now());
	wanted_.insert(wanted_.begin(), awaited_.begin(), awaited_.end());
	awaited_.clear();
	id_.clear();
	promised_.give_back();
	if (++complaints_ > kMaxComplaints)
		owner_.on_failed("rate_limited", text);
}

void
IdFetch::answered()
{
	id_.clear();
	promised_.give_back();
	complaints_ = 0;
	context_.learned.pacer.answered();
	context_.pages++;
	if (last_try_)
		not_served_ += awaited_.size();
	else
		again_.insert(again_.end(), awaited_.begin(), awaited_.end());
	awaited_.clear();
	if (wanted_.empty() && !last_try_) {
		last_try_ = true;
		wanted_.assign(again_.begin(), again_.end());
		again_.clear();
	}
	if (wanted_.empty())
		owner_.on_fetched();
}

void
IdFetch::tick()
{
	if (id_.empty())
		return;
	const Clock::Time now = context_.client.now();
	const auto limit = context_.client.host().config.response_timeout;
	if (now - since_ > kPromiseKept)
		promised_.give_back();
	if (now - progress_ > limit || now - since_ > limit * kMostTimeouts)
		owner_.on_failed("stalled", "events that were asked for by their ids");
}

} // namespace net
