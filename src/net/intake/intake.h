/*
 * The way of an event from a relay into a batch, for all relays together:
 *
 *   seen at this relay lately? -> nothing, except for a sample (ledger.h)
 *   known lately? -> only a sighting
 *   under way?    -> one more source of the same event
 *   else          -> question to the worker -> known: sightings
 *                                           -> unknown: signature check -> batch, or refused
 *
 * An event comes here with its id recomputed from its body, so a known id needs no signature. The
 * signatures of one event may differ from relay to relay: they are verified one after the other
 * until one is valid, and a bad one is blamed on those relays only that brought it.
 */
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "net/core/link.h"
#include "net/core/reactor.h"
#include "net/intake/id_table.h"
#include "net/intake/outbox.h"
#include "net/intake/seen_pairs.h"
#include "net/intake/verifier_pool.h"

namespace net {

class Intake final : private Outbox::Owner
{
  public:
	static constexpr size_t kRemembered = 1 << 19; // archived ids, 16 MiB
	static constexpr size_t kQuestionIds = 256;
	/* How long an event waits for others, to go into one question: an event of a page,
	 * and of a live subscription, where events come one by one and a question costs more. */
	static constexpr std::chrono::milliseconds kPageWait{5}, kLiveWait{40};

	Intake(Reactor &reactor, Link &link, unsigned verifier_threads);
	~Intake() override;

	/*
	 * Takes the body of `event` only if the event is new. `live`: no page waits for it. `sampled`:
	 * it goes to the worker even if it was sighted at this relay lately.
	 */
	void submit(nostr::Event &event, const std::shared_ptr<Ledger> &ledger, int64_t seen_at,
				bool live, bool sampled);

	/* These ids are not archived any more. */
	void forget(std::span<const nostr::Id> ids);
	/* Throws LinkError if the answer fits no question. */
	void answered(const wire::Known &known);
	/* Hands over what was collected for the verifiers: call once per round of the loop. */
	void end_of_turn();

	Outbox &outbox() { return outbox_; }
	Budget &budget() { return outbox_.budget(); }
	const Budget &budget() const { return outbox_.budget(); }
	uint64_t verified() const { return verified_; }
	/* Events that came, and those of them that were archived already: they need no signature. */
	uint64_t taken() const { return taken_; }
	uint64_t recognised() const { return recognised_; }

  private:
	void ask();
	void ask_soon(bool live);
	void charge(Pending &pending, size_t bytes);
	void known(Pending &pending);
	void verdict(const Verdict &verdict);
	void forget(Pending &pending);
	void on_event_committed(const nostr::Id &id) override;
	void on_sighting_committed(const nostr::Id &id, int32_t relay_id) override;

	Reactor &reactor_;
	Link &link_;
	Outbox outbox_;
	IdTable known_{kRemembered};
	SeenPairs seen_;
	std::unordered_map<nostr::Id, std::unique_ptr<Pending>, IdHash> pending_;
	std::vector<Pending *> collected_; // the next question
	Timer question_timer_;
	bool waits_for_page_ = false; // the timer is that of an event of a page
	std::unordered_map<uint64_t, std::vector<Pending *>> questions_;
	uint64_t last_question_ = 0;
	std::vector<Pending *> bundle_; // the next ones to be verified
	std::vector<Verdict> verdicts_;
	uint64_t verified_ = 0, taken_ = 0, recognised_ = 0;
	/* Last: its threads read the events above. */
	VerifierPool verifiers_;
};

} // namespace net
