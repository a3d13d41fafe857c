#include "net/job/reconcile_job.h"

#include <algorithm>

namespace net {

using nostr::negentropy::Fault;

/* Of a message of ours, so that it fits as hexadecimal into the frames of most relays. */
constexpr size_t kFrame = 60000;
/* Of all messages of a relay in one comparison: its ids, several times over. */
constexpr size_t kMaxBytes = 64 << 20;
/* Ids of one question. */
constexpr size_t kBatch = 100;
/* The relay has to build its set first: response time-outs until its first message, and of all. */
constexpr int kFirstTimeouts = 2, kAllTimeouts = 10;
/* Events that come late find room or not. */
constexpr std::chrono::seconds kPromiseKept{2};
/* How often a relay may say in a row that it is asked too fast. */
constexpr int kMaxComplaints = 5;

ReconcileJob::ReconcileJob(JobContext &context, Link &link, uint32_t attempt,
						   const wire::Range &range, std::string members)
	: context_(context), link_(link), attempt_(attempt), asked_(range),
	  members_(std::move(members)), windows_{{range.lower, range.upper}}
{
}

ReconcileJob::~ReconcileJob()
{
	free_window();
	give_back(SIZE_MAX);
}

std::vector<wire::Range>
ReconcileJob::left() const
{
	std::vector<wire::Range> ranges;
	for (const nostr::TimeRange &left : left_) {
		wire::Range range = asked_;
		range.lower = left.lower;
		range.upper = left.upper;
		ranges.push_back(range);
	}
	return ranges;
}

bool
ReconcileJob::ask()
{
	if (context_.client.blocked()) {
		end("stalled", "does not read");
		return true;
	}
	if (step_ == Step::Fetch)
		return fetch();
	begin_window();
	return true;
}

void
ReconcileJob::begin_window()
{
	in_memory_ = true;
	context_.client.host().comparisons++;
	step_ = Step::Seen;
	link_.send(wire::SeenQuestion{.relay_id = context_.ledger->relay_id,
								  .attempt = attempt_,
								  .filter_id = asked_.filter_id,
								  .range = windows_.front(),
								  .most = kMostRecords});
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
ReconcileJob::answered(const wire::Seen &seen)
{
	if (step_ != Step::Seen || own_.size() + seen.records.size() > kMostRecords)
		throw LinkError("seen events that were not asked for");
	for (const wire::SeenRecord &record : seen.records)
		if (!context_.compares && kept_back_.size() < kKeptBack)
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

/* The newer half comes first. A single second is paged. */
void
ReconcileJob::split()
{
	const nostr::TimeRange whole = windows_.front();
	if (whole.lower == whole.upper) {
		left_.push_back(whole);
		return end_window();
	}
	/* What is dated later than now is dated wrong, and rare. */
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
	asked_at_ = client.host().transport.clock.unix_seconds();
	since_ = progress_ = client.now();
	context_.learned.pacer.asked(since_);
	context_.questions++;
	id_ = client.new_id('n');
	comparison_.emplace(own_, kFrame, kMostNeeds);
	client.open_reconciliation(id_, window_of(windows_.front()), comparison_->first(), *this);
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
		return split();
	}
	if (fault != Fault::None)
		return give_up(wire::Comparison::Broken, nostr::negentropy::fault_text(fault));
	if (reply.empty())
		return compared();
	if (bytes_ > kMaxBytes)
		return give_up(wire::Comparison::Broken, "a comparison without end");
	context_.client.go_on(id_, reply);
}

void
ReconcileJob::on_neg_error(std::string_view text)
{
	if (step_ != Step::Compare)
		return;
	id_.clear();
	const nostr::TimeRange &window = windows_.front();
	if (nostr::reason_prefix(text) == "blocked" && window.lower < window.upper)
		return split();
	give_up(answered_ ? wire::Comparison::Broken : wire::Comparison::Refused, text);
}

void
ReconcileJob::compared()
{
	context_.client.close_reconciliation(id_);
	id_.clear();
	nostr::negentropy::Difference difference = comparison_->take_difference();
	needs_ = std::move(difference.need);
	lost_ = difference.have.size();
	held_ = own_.size() - lost_;
	free_window();
	/* Spread over all of them. */
	for (size_t i = 0; i < std::min(lost_, kSuspects); i++)
		wanted_.push_back(difference.have[i * lost_ / std::min(lost_, kSuspects)]);
	for (const nostr::Id &id : kept_back_) {
		auto offered = std::lower_bound(needs_.begin(), needs_.end(), id);
		if (offered != needs_.end() && *offered == id) {
			needs_.erase(offered);
			held_++;
			context_.compares = true;
		} else {
			wanted_.push_back(id);
			lost_++;
		}
	}
	kept_back_.clear();
	if (wanted_.empty())
		return ask_wanted();
	probing_ = true;
	found_ = false;
	step_ = Step::Fetch;
}

void
ReconcileJob::judge_suspects()
{
	probing_ = false;
	awaited_.clear();
	if (found_)
		return give_up(wire::Comparison::Broken, "its set lacks events that it serves");
	ask_wanted();
}

void
ReconcileJob::ask_wanted()
{
	say(wire::Comparison::Finished, "");
	if (needs_.empty())
		return claim();
	step_ = Step::Wanted;
	link_.send(wire::NeedQuestion{.relay_id = context_.ledger->relay_id,
								  .attempt = attempt_,
								  .range = windows_.front(),
								  .ids = needs_});
}

void
ReconcileJob::answered(const wire::Wanted &wanted)
{
	if (step_ != Step::Wanted || (!wanted.wants.empty() && wanted.wants.size() != needs_.size()))
		throw LinkError("wanted ids that were not asked for");
	if (wanted.wants.empty())
		return give_up(wire::Comparison::Broken, "it offers too much that it does not serve");
	const int64_t now = context_.client.host().transport.clock.unix_seconds();
	for (size_t i = 0; i < needs_.size(); i++) {
		switch (wanted.wants[i].kind) {
		case wire::Want::Archived:
			context_.intake.outbox().sighting(needs_[i], context_.ledger->relay_id, now, false);
			break;
		case wire::Want::Fetch:
			wanted_.push_back(needs_[i]);
			break;
		case wire::Want::Withheld:
			withheld_++;
			break;
		}
	}
	step_ = Step::Fetch;
	if (wanted_.empty())
		claim();
}

bool
ReconcileJob::fetch()
{
	const size_t count = std::min(wanted_.size(), kBatch);
	const size_t room = count * context_.learned.event_bytes;
	if (!context_.intake.budget().reserve(room))
		return false;
	promised_ = room;
	nostr::Window window;
	window.members = "\"ids\":[";
	for (size_t i = 0; i < count; i++) {
		const nostr::Id &id = wanted_[i];
		window.members += (i == 0 ? "\"" : ",\"") + nostr::to_hex(id.data(), id.size()) + '"';
		awaited_.insert(id);
	}
	window.members += ']';
	wanted_.erase(wanted_.begin(), wanted_.begin() + ptrdiff_t(count));
	step_ = Step::Fetching;
	since_ = progress_ = context_.client.now();
	context_.learned.pacer.asked(since_);
	context_.questions++;
	id_ = context_.client.new_id('i');
	context_.client.ask(id_, window, *this);
	return true;
}

void
ReconcileJob::on_event(nostr::Event &event, std::string_view text)
{
	progress_ = context_.client.now();
	if (step_ != Step::Fetching || awaited_.erase(event.id) == 0)
		return context_.client.refuse("unexpected_event", text);
	context_.delivered++;
	found_ = true;
	context_.compares |= !probing_;
	Budget &budget = context_.intake.budget();
	const uint64_t before = budget.in_flight();
	context_.pass_on(event);
	give_back(size_t(budget.in_flight() - std::min(before, budget.in_flight())));
}

void
ReconcileJob::give_back(size_t bytes)
{
	bytes = std::min(bytes, promised_);
	promised_ -= bytes;
	context_.intake.budget().release(bytes);
}

void
ReconcileJob::on_refused_event(std::string_view)
{
	progress_ = context_.client.now();
	refused_ += second_time_;
}

void
ReconcileJob::on_end_of_stored(bool, bool)
{
	if (step_ != Step::Fetching)
		return context_.client.ignore();
	context_.client.close(id_);
	fetched();
}

/* What it did not serve is asked for once more, when all else is there. */
void
ReconcileJob::fetched()
{
	id_.clear();
	give_back(SIZE_MAX);
	complaints_ = 0;
	context_.learned.pacer.answered();
	context_.pages++;
	if (probing_)
		return judge_suspects();
	if (second_time_)
		withheld_ += awaited_.size();
	else
		again_.insert(again_.end(), awaited_.begin(), awaited_.end());
	awaited_.clear();
	step_ = Step::Fetch;
	if (wanted_.empty() && !second_time_) {
		second_time_ = true;
		wanted_.assign(again_.begin(), again_.end());
		again_.clear();
	}
	if (wanted_.empty())
		claim();
}

void
ReconcileJob::claim()
{
	nostr::Claim claim{.range = windows_.front(),
					   .evidence = nostr::Evidence::Reconciled,
					   .events = int64_t(held_ + needs_.size() - withheld_),
					   .refused = int64_t(refused_)};
	if (withheld_ > 0 || !context_.compares)
		claim.evidence = nostr::Evidence::Paged;
	if (withheld_ > refused_)
		claim.doubts |= nostr::Doubt::Withheld;
	if (refused_ > 0)
		claim.doubts |= nostr::Doubt::Refused;
	/* Nobody knows yet what the seconds to come will hold. */
	const int64_t ahead = context_.client.host().clocks.ahead();
	claim.range.upper = std::min(claim.range.upper, asked_at_ - std::max<int64_t>(ahead, 0));
	claim.doubts |= context_.doubts;
	if (ahead != 0)
		claim.doubts |= nostr::Doubt::Clock;
	std::vector<wire::Claim> claims;
	if (claim.range.lower <= claim.range.upper)
		claims.push_back({.relay_id = context_.ledger->relay_id,
						  .filter_id = asked_.filter_id,
						  .purpose = asked_.purpose,
						  .claim = claim});
	context_.ledger->end_step(std::move(claims));
	end_window();
}

void
ReconcileJob::end_window()
{
	free_window();
	give_back(SIZE_MAX);
	id_.clear();
	needs_.clear();
	kept_back_.clear();
	held_ = lost_ = withheld_ = refused_ = 0;
	second_time_ = false;
	windows_.pop_front();
	step_ = Step::Window;
	if (windows_.empty())
		end("", "");
}

/* All windows that are left are paged: what fails once fails again. */
void
ReconcileJob::give_up(wire::Comparison outcome, std::string_view detail)
{
	if (!id_.empty())
		context_.client.close_reconciliation(id_);
	needs_.clear();
	wanted_.clear();
	lost_ = 0;
	say(outcome, detail);
	left_.insert(left_.end(), windows_.begin(), windows_.end());
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

void
ReconcileJob::on_closed(std::string_view text)
{
	if (step_ == Step::Compare)
		return on_neg_error(text);
	if (step_ != Step::Fetching)
		return;
	if (nostr::reason_prefix(text) == "rate-limited") {
		context_.learned.pacer.slower(context_.client.now());
		wanted_.insert(wanted_.begin(), awaited_.begin(), awaited_.end());
		awaited_.clear();
		id_.clear();
		give_back(SIZE_MAX);
		step_ = Step::Fetch;
		if (++complaints_ > kMaxComplaints)
			end("rate_limited", text);
		return;
	}
	fetched();
}

/* A relay that does not know the message may say so in a notice only. */
void
ReconcileJob::on_notice(std::string_view text)
{
	if (step_ == Step::Compare && !answered_)
		give_up(wire::Comparison::Refused, text);
}

void
ReconcileJob::tick()
{
	if (result_)
		return;
	const Clock::Time now = context_.client.now();
	const auto limit = context_.client.host().config.response_timeout;
	if (step_ == Step::Compare) {
		if (now - progress_ > (answered_ ? limit : limit * kFirstTimeouts))
			give_up(answered_ ? wire::Comparison::Broken : wire::Comparison::Refused, "no answer");
		else if (now - since_ > limit * kAllTimeouts)
			give_up(wire::Comparison::Broken, "a comparison drop by drop");
	} else if (step_ == Step::Fetching) {
		if (now - since_ > kPromiseKept)
			give_back(SIZE_MAX);
		if (now - progress_ > limit || now - since_ > limit * kAllTimeouts)
			end("stalled", "events that were asked for by their ids");
	}
}

void
ReconcileJob::end(const char *reason, std::string_view detail)
{
	result_ = Result{reason, std::string(detail)};
}

} // namespace net
