#include "net/intake/intake.h"

#include <algorithm>
#include <utility>

#include <sys/epoll.h>

namespace net {

Intake::Intake(Reactor &reactor, Link &link, const Clock &clock, unsigned verifier_threads)
	: reactor_(reactor), link_(link), clock_(clock), outbox_(reactor, link, clock, *this),
	  question_timer_(reactor, [this] { ask(); }), verifiers_(verifier_threads)
{
	reactor.watch(verifiers_.ready_fd(), EPOLLIN, [this](uint32_t) {
		verifiers_.take(verdicts_);
		for (const SignatureVerdict &one : verdicts_)
			verdict(one);
	});
}

Intake::~Intake()
{
	reactor_.unwatch(verifiers_.ready_fd());
}

void
Intake::submit(nostr::Event &event, const std::shared_ptr<Ledger> &ledger, bool live, bool sampled)
{
	const int32_t relay_id = ledger->relay_id;
	const Receipt receipt{clock_.unix_seconds(), clock_.now(), live};
	taken_++;
	if (!sampled && seen_.contains(event.id, relay_id) && !ledger->sampled()) {
		recognised_++;
		return;
	}
	if (known_.contains(event.id)) {
		recognised_++;
		outbox_.sighting(event, relay_id, receipt);
		return;
	}
	auto [found, fresh] = pending_.try_emplace(event.id);
	if (fresh) {
		found->second = std::make_unique<Pending>();
		Pending &pending = *found->second;
		pending.event = std::move(event);
		charge(pending, pending.body() + Pending::kOverhead);
		pending.sources.push_back({relay_id, ledger, ledger->hold(), receipt, pending.event.sig});
		collected_.push_back(&pending);
		return ask_soon(live);
	}
	Pending &pending = *found->second;
	for (const Pending::Source &source : pending.sources)
		if (source.relay_id == relay_id)
			return;
	charge(pending, Pending::kSourceBytes);
	if (pending.in_batch) {
		pending.sources.push_back({relay_id, ledger, 0, receipt, event.sig});
		outbox_.sighting(event, relay_id, receipt);
	} else {
		pending.sources.push_back({relay_id, ledger, ledger->hold(), receipt, event.sig});
	}
}

void
Intake::charge(Pending &pending, size_t bytes)
{
	pending.charged += bytes;
	budget().charge(bytes);
}

void
Intake::forget(std::span<const nostr::Id> ids)
{
	for (const nostr::Id &id : ids)
		known_.erase(id);
	/* All pairs are forgotten, which is more than needed, because this happens rarely. */
	seen_.clear();
	outbox_.forget_sightings();
}

void
Intake::ask_soon(bool live)
{
	if (collected_.size() >= kQuestionIds)
		return ask();
	if (question_timer_.armed() && (live || waits_for_page_))
		return;
	waits_for_page_ = !live;
	question_timer_.arm(live ? kLiveWait : kPageWait);
}

void
Intake::ask()
{
	question_timer_.cancel();
	wire::KnownQuestion question{.question = ++last_question_};
	question.events.reserve(collected_.size());
	for (const Pending *pending : collected_)
		question.events.push_back(
			{&pending->event.id, pending->event.created_at, pending->event.kind});
	link_.send(question);
	questions_.emplace(last_question_, std::move(collected_));
	collected_.clear();
}

void
Intake::answered(const wire::Known &answer)
{
	auto found = questions_.find(answer.question);
	if (found == questions_.end() || found->second.size() != answer.known.size())
		throw LinkError("answer to no question");
	std::vector<Pending *> asked = std::move(found->second);
	questions_.erase(found);
	for (size_t i = 0; i < asked.size(); i++) {
		if (answer.known[i]) {
			known(*asked[i]);
			continue;
		}
		bundle_.push_back(asked[i]);
		if (bundle_.size() >= VerifierPool::kBundle)
			verifiers_.submit(std::exchange(bundle_, {}));
	}
}

void
Intake::end_of_turn()
{
	if (!bundle_.empty())
		verifiers_.submit(std::exchange(bundle_, {}));
}

void
Intake::known(Pending &pending)
{
	known_.insert(pending.event.id);
	recognised_ += pending.sources.size();
	for (const Pending::Source &source : pending.sources) {
		outbox_.sighting(pending.event, source.relay_id, source.receipt);
		source.ledger->release(source.step);
	}
	forget(pending);
}

void
Intake::verdict(const SignatureVerdict &verdict)
{
	verified_++;
	Pending &pending = *verdict.pending;
	if (verdict.valid) {
		outbox_.event(pending);
		for (const Pending::Source &source : pending.sources)
			source.ledger->release(source.step);
		return;
	}
	std::string detail = "event " + nostr::to_hex(pending.event.id.data(), 8);
	auto blameless = [&](const Pending::Source &source) { return source.sig != pending.event.sig; };
	auto guilty = std::stable_partition(pending.sources.begin(), pending.sources.end(), blameless);
	for (auto source = guilty; source != pending.sources.end(); ++source) {
		outbox_.refuse(source->relay_id, nostr::reject_code(nostr::Reject::BadSignature), detail);
		source->ledger->refuse(source->step, pending.event);
	}
	pending.sources.erase(guilty, pending.sources.end());
	if (pending.sources.empty())
		return forget(pending);
	pending.event.sig = pending.sources.front().sig;
	bundle_.push_back(&pending);
}

void
Intake::forget(Pending &pending)
{
	budget().give_back(pending.charged);
	nostr::Id id = pending.event.id;
	pending_.erase(id);
}

void
Intake::on_event_committed(const nostr::Id &id)
{
	known_.insert(id);
	pending_.erase(id);
}

void
Intake::on_sighting_committed(const nostr::Id &id, int32_t relay_id)
{
	seen_.insert(id, relay_id);
}

} // namespace net
