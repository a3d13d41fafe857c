#include "net/job/reconcile_job.h"

#include <algorithm>

namespace net {

using nostr::negentropy::Fault;

/* Largest message that we send, in bytes. In hexadecimal it still fits the frame limit of most
 * relays. */
constexpr size_t kFrame = 60000;
/* Limit of all messages of a relay in one comparison, in bytes: several times the size of its
 * ids. */
constexpr size_t kMaxBytes = 64 << 20;
/* Time limits in response timeouts: until the first message, before which the relay builds its
 * set, and for the whole comparison. */
constexpr int kFirstTimeouts = 2, kAllTimeouts = 10;

ReconcileJob::ReconcileJob(JobContext &context, Link &link, uint32_t attempt,
						   const wire::Range &range, std::string members)
	: context_(context), link_(link), attempt_(attempt), asked_(range),
	  members_(std::move(members)), windows_{{range.lower, range.upper}}, fetch_(context, *this)
{
}

bool
ReconcileJob::ask()
{
	if (context_.client.blocked()) {
		end("stalled", "does not read");
		return true;
	}
	if (fetch_.waiting())
		return fetch_.ask();
	if (!halves_.empty()) {
		begin(halves_.back());
		halves_.pop_back();
	} else {
		asked_at_ = context_.client.host().transport.clock.unix_seconds();
		begin(windows_.front());
	}
	return true;
}

void
ReconcileJob::begin(const nostr::TimeRange &window)
{
	window_ = window;
	in_memory_ = true;
	context_.client.host().comparisons++;
	step_ = Step::Seen;
	link_.send(wire::SeenQuestion{.relay_id = context_.ledger->relay_id,
								  .attempt = attempt_,
								  .filter_id = asked_.filter_id,
								  .range = window_,
								  .most = uint32_t(most_records())});
}

void
ReconcileJob::free_window()
{
	comparison_.reset();
	own_ = {};
	if (in_memory_)
		context_.client.host().comparisons--;
	in_memory_ = false;
}

void
ReconcileJob::answered(const wire::SeenAnswer &seen)
{
	if (step_ != Step::Seen || own_.size() + seen.records.size() > most_records())
		throw LinkError("seen events that were not asked for");
	for (const wire::SeenRecord &record : seen.records)
		if (!context_.compares && !judged_ && kept_back_.size() < kKeptBack)
			kept_back_.push_back(*record.id);
		else
			own_.add(record.created_at, *record.id);
	if (!seen.last)
		return;
	if (seen.too_many)
		return split();
	own_.seal();
	compare();
}

/* Splits the window in two; the newer half is compared first. A window of one second cannot be
 * split, so it is claimed as partly read. */
void
ReconcileJob::split()
{
	if (judged_)
		return give_up(wire::Comparison::Broken,
					   "a half of the window is too large to compare, and the whole was not");
	const nostr::TimeRange whole = window_;
	if (whole.lower == whole.upper) {
		context_.claim(asked_, asked_at_,
					   {{.range = whole,
						 .evidence = nostr::Evidence::Partial,
						 .doubts = nostr::Doubt::Dense}});
		return end_window();
	}
	/* Events dated in the future are wrong and rare, so the middle ignores that time. */
	const int64_t now = context_.client.host().transport.clock.unix_seconds();
	const int64_t top = whole.lower < now ? std::min(whole.upper, now) : whole.upper;
	const int64_t middle = whole.lower + (top - whole.lower) / 2;
	windows_.insert(windows_.begin() + 1, {{middle + 1, whole.upper}, {whole.lower, middle}});
	end_window();
}

nostr::Window
ReconcileJob::window_of(const nostr::TimeRange &range) const
{
	nostr::Window window;
	window.members = members_;
	if (range.lower > 0)
		window.since = range.lower;
	if (range.upper < INT64_MAX)
		window.until = range.upper;
	return window;
}

void
ReconcileJob::compare()
{
	RelayClient &client = context_.client;
	step_ = Step::Compare;
	answered_ = false;
	bytes_ = 0;
	since_ = progress_ = client.now();
	context_.learned.pacer.asked(since_);
	context_.questions++;
	id_ = client.new_id('n');
	comparison_.emplace(own_, kFrame, most_needs());
	client.open_reconciliation(id_, window_of(window_), comparison_->first(), *this);
}

void
ReconcileJob::on_neg_message(std::string_view message)
{
	if (step_ != Step::Compare)
		return context_.client.ignore();
	progress_ = context_.client.now();
	context_.heard = answered_ = true;
	bytes_ += message.size();
	std::string reply;
	Fault fault = comparison_->read(message, reply);
	if (fault == Fault::TooMuchDiffers) {
		context_.client.close_reconciliation(id_);
		id_.clear();
		return split();
	}
	if (fault != Fault::None)
		return give_up(wire::Comparison::Broken, nostr::negentropy::fault_text(fault));
	if (reply.empty())
		return compared();
	if (bytes_ > kMaxBytes)
		return give_up(wire::Comparison::Broken, "the relay sent too many bytes in one comparison");
	context_.client.go_on(id_, reply);
}

void
ReconcileJob::on_neg_error(std::string_view text)
{
	if (step_ != Step::Compare)
		return;
	id_.clear();
	if (nostr::reason_prefix(text) == "blocked" && window_.lower < window_.upper)
		return split();
	give_up(answered_ ? wire::Comparison::Broken : wire::Comparison::Refused, text);
}

void
ReconcileJob::compared()
{
	context_.client.close_reconciliation(id_);
	id_.clear();
	nostr::negentropy::Difference difference = comparison_->take_difference();
	if (judged_)
		return compared_half(difference.need);
	needs_ = std::move(difference.need);
	lost_ = difference.have.size();
	held_ = own_.size() - lost_;
	for (const nostr::negentropy::Record &record : own_.part(0, own_.size()))
		if (!std::binary_search(difference.have.begin(), difference.have.end(), record.id))
			include(named_, record.created_at);
	free_window();
	std::vector<nostr::Id> suspects; // spread over all lost ids
	for (size_t i = 0; i < std::min(lost_, kSuspects); i++)
		suspects.push_back(difference.have[i * lost_ / std::min(lost_, kSuspects)]);
	for (const nostr::Id &id : kept_back_) {
		auto offered = std::lower_bound(needs_.begin(), needs_.end(), id);
		if (offered != needs_.end() && *offered == id) {
			needs_.erase(offered);
			held_++;
			context_.compares = true;
		} else {
			suspects.push_back(id);
			lost_++;
		}
	}
	kept_back_.clear();
	if (suspects.empty())
		return ask_wanted();
	step_ = Step::Probe;
	fetch_.start(suspects, IdFetch::Tries::Once);
}

void
ReconcileJob::on_fetched()
{
	if (step_ == Step::Probe) {
		if (fetch_.served() > 0)
			return give_up(wire::Comparison::Broken, "its set lacks events that it serves");
		return ask_wanted();
	}
	context_.compares |= fetch_.served() > 0;
	judge();
}

void
ReconcileJob::ask_wanted()
{
	say(wire::Comparison::Finished, "");
	if (needs_.empty())
		return judge();
	step_ = Step::Wanted;
	link_.send(wire::NeedQuestion{.relay_id = context_.ledger->relay_id,
								  .attempt = attempt_,
								  .filter_id = asked_.filter_id,
								  .range = window_,
								  .ids = needs_});
}

void
ReconcileJob::answered(const wire::Wanted &wanted)
{
	if (step_ != Step::Wanted || (!wanted.wants.empty() && wanted.wants.size() != needs_.size()))
		throw LinkError("wanted ids that were not asked for");
	if (wanted.wants.empty())
		return give_up(wire::Comparison::Broken,
					   "the relay offers too many events that it does not serve");
	std::vector<nostr::Id> fetched;
	for (size_t i = 0; i < needs_.size(); i++) {
		switch (wanted.wants[i].kind) {
		case wire::Want::Shown:
			break;
		case wire::Want::Fetch:
			fetched.push_back(needs_[i]);
			break;
		case wire::Want::Withheld:
			withheld_++;
			break;
		}
	}
	if (fetched.empty())
		return judge();
	step_ = Step::Fetch;
	fetch_.start(fetched, IdFetch::Tries::Twice);
}

void
ReconcileJob::on_event(nostr::Event &, std::string_view text)
{
	context_.client.refuse("unexpected_event", text);
}

void
ReconcileJob::on_end_of_stored(bool)
{
	context_.client.ignore();
}

void
ReconcileJob::judge()
{
	const bool fetched = step_ == Step::Fetch;
	const size_t refused = fetched ? fetch_.refused() : 0;
	const size_t missing = withheld_ + (fetched ? fetch_.not_served() : 0);
	const bool witnessed = !asked_.part || held_ >= kWitnesses;
	judged_ = {.range = windows_.front(),
			   .evidence =
				   missing > 0 || !witnessed ? nostr::Evidence::Paged : nostr::Evidence::Reconciled,
			   .events = int64_t(held_ + needs_.size() - missing),
			   .refused = int64_t(refused)};
	if (missing > refused)
		judged_->doubts |= nostr::Doubt::Withheld;
	if (refused > 0)
		judged_->doubts |= nostr::Doubt::Refused;
	if (fetched && fetch_.span()) {
		include(named_, fetch_.span()->lower);
		include(named_, fetch_.span()->upper);
	}
	halve();
	claim_judged();
}

/*
 * A relay may build its set from the first events that its store returns, as many as its limit
 * allows. Where pages have shown these events and no others, the set and what was shown are equal.
 * Each half of the window then holds events of the set, so the relay names further events of one of
 * them.
 */
void
ReconcileJob::halve()
{
	const nostr::TimeRange &whole = windows_.front();
	if ((!asked_.part && needs_.empty()) || !named_ || whole.lower == whole.upper)
		return;
	const int64_t lower = std::clamp(named_->lower, whole.lower, whole.upper);
	const int64_t length = std::clamp(named_->upper, whole.lower, whole.upper) - lower;
	const int64_t begin = std::max(lower + length / 2 + length % 2, whole.lower + 1);
	halves_ = {{whole.lower, begin - 1}, {begin, whole.upper}};
}

void
ReconcileJob::claim_judged()
{
	step_ = Step::Window;
	if (!halves_.empty())
		return;
	if (context_.compares)
		context_.claim(asked_, asked_at_, {*judged_});
	end_window();
}

void
ReconcileJob::compared_half(const std::vector<nostr::Id> &offered)
{
	free_window();
	for (const nostr::Id &id : offered)
		if (!std::binary_search(needs_.begin(), needs_.end(), id))
			return give_up(wire::Comparison::Broken,
						   "the set of the relay for a half of the window holds further events");
	claim_judged();
}

void
ReconcileJob::end_window()
{
	free_window();
	needs_.clear();
	kept_back_.clear();
	named_.reset();
	judged_.reset();
	halves_.clear();
	held_ = lost_ = withheld_ = 0;
	windows_.pop_front();
	step_ = Step::Window;
	if (windows_.empty())
		end("", "");
}

/* A comparison that failed once would fail again, so no other window is compared. */
void
ReconcileJob::give_up(wire::Comparison outcome, std::string_view detail)
{
	if (!id_.empty())
		context_.client.close_reconciliation(id_);
	id_.clear();
	needs_.clear();
	lost_ = 0;
	say(outcome, detail);
	windows_.resize(1);
	end_window();
}

void
ReconcileJob::say(wire::Comparison outcome, std::string_view detail)
{
	context_.intake.outbox().compared({.relay_id = context_.ledger->relay_id,
									   .outcome = outcome,
									   .needed = needs_.size(),
									   .lost = lost_,
									   .detail = detail});
}

/* A relay that does not know NEG-OPEN may say so only in a notice. */
void
ReconcileJob::on_notice(std::string_view text)
{
	if (step_ == Step::Compare && !answered_)
		give_up(wire::Comparison::Refused, text);
}

void
ReconcileJob::on_late_event()
{
	progress_ = context_.client.now();
	fetch_.on_late_event();
}

/* Some relays close the connection when they receive an unknown message. */
void
ReconcileJob::on_ended()
{
	if (step_ == Step::Compare && !answered_)
		say(wire::Comparison::Refused, "the connection ended");
}

void
ReconcileJob::tick()
{
	if (result_)
		return;
	fetch_.tick();
	if (step_ != Step::Compare)
		return;
	const Clock::Time now = context_.client.now();
	const auto limit = context_.client.host().config.response_timeout;
	if (now - progress_ > (answered_ ? limit : limit * kFirstTimeouts))
		give_up(answered_ ? wire::Comparison::Broken : wire::Comparison::Refused, "no answer");
	else if (now - since_ > limit * kAllTimeouts)
		give_up(wire::Comparison::Broken, "the comparison takes too long");
}

void
ReconcileJob::end(const char *reason, std::string_view detail)
{
	result_ = Result{reason, std::string(detail)};
}

} // namespace net
