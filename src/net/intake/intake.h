/*
 * Takes an event from any relay and puts it into a batch:
 *
 *   seen at this relay lately? -> nothing, except for a sample (ledger.h)
 *   known lately? -> only a sighting
 *   under way?    -> one more source of the same event
 *   else          -> question to the worker -> known: sightings
 *                                           -> unknown: signature check -> batch, or refused
 *
 * The id of an event was computed again from its body before it comes here, so a known id needs no
 * signature check. Relays may deliver different signatures of one event. They are verified one
 * after the other until one is valid, and an invalid one counts only against the relays that
 * delivered it.
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
	static constexpr size_t kRemembered = 1 << 19; // number of archived ids: 16 MiB
	static constexpr size_t kQuestionIds = 256;
	/* How long an event waits for others that go into the same question: an event of a page, and a
	 * live event. Live events come one by one, so that a question for each would cost more. */
	static constexpr std::chrono::milliseconds kPageWait{5}, kLiveWait{40};

	Intake(Reactor &reactor, Link &link, const Clock &clock, unsigned verifier_threads);
	~Intake() override;

	/*
	 * Takes over the body of `event` only if the event is new. `live`: no page waits for the event.
	 * `sampled`: the event goes to the worker even if this relay has shown it lately.
	 */
	void submit(nostr::Event &event, const std::shared_ptr<Ledger> &ledger, bool live,
				bool sampled);

	/* Forgets ids that are no longer archived. */
	void forget(std::span<const nostr::Id> ids);
	/* Throws LinkError if no question has this answer. */
	void answered(const wire::Known &known);
	/* Gives the collected events to the verifiers. Must be called once per round of the event
	 * loop. */
	void end_of_turn();

	Outbox &outbox() { return outbox_; }
	const Outbox &outbox() const { return outbox_; }
	Budget &budget() { return outbox_.budget(); }
	const Budget &budget() const { return outbox_.budget(); }
	uint64_t verified() const { return verified_; }
	/* Number of events that came, and how many of them were archived already and needed no
	 * signature check. */
	uint64_t taken() const { return taken_; }
	uint64_t recognised() const { return recognised_; }

  private:
	void ask();
	void ask_soon(bool live);
	void charge(Pending &pending, size_t bytes);
	void known(Pending &pending);
	void verdict(const SignatureVerdict &verdict);
	void forget(Pending &pending);
	void on_event_committed(const nostr::Id &id) override;
	void on_sighting_committed(const nostr::Id &id, int32_t relay_id) override;

	Reactor &reactor_;
	Link &link_;
	const Clock &clock_;
	Outbox outbox_;
	IdTable known_{kRemembered};
	SeenPairs seen_;
	std::unordered_map<nostr::Id, std::unique_ptr<Pending>, IdHash> pending_;
	std::vector<Pending *> collected_; // events for the next question
	Timer question_timer_;
	bool waits_for_page_ = false; // the timer runs for an event of a page
	std::unordered_map<uint64_t, std::vector<Pending *>> questions_;
	uint64_t last_question_ = 0;
	std::vector<Pending *> bundle_; // events for the next verification
	std::vector<SignatureVerdict> verdicts_;
	uint64_t verified_ = 0, taken_ = 0, recognised_ = 0;
	/* Declared last, because its threads read the events above until they end. */
	VerifierPool verifiers_;
};

} // namespace net
