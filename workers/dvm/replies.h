/*
 * Sends events to customers: answers, which are stored and sent until a relay accepts them, and
 * feedback, which may get lost.
 */
#pragma once

#include <string>
#include <vector>

#include "nostr/job_events.h"
#include "pg/work/mail.h"
#include "workers/dvm/jobs.h"
#include "workers/dvm/relay_listener.h"

class Replies final : public pg::Mail
{
  public:
	/* Numbers from `first_number` on name the relays. The relays of `listener` get all replies,
	 * besides those that the customer names. */
	Replies(int32_t first_number, const RelayListener &listener);

	/* Sends the stored answers that are due and are not being sent. */
	void send_stored(pg::Worker &worker);
	/* Sends signed feedback once. */
	void tell(const nostr::Event &event, const nostr::JobEnvelope &envelope);
	/* Notes in the archive which answers were sent to all of their relays. */
	void note_sent(pg::Worker &worker);
	/* Must be called when the net process has ended, which loses everything it was given. */
	void forget_all();

  private:
	std::vector<std::string> recipients(const nostr::JobEnvelope &envelope) const;

	const RelayListener &listener_;
	std::vector<jobs::Sent> ended_;    // answers that were sent to all relays
	std::vector<nostr::Id> under_way_; // answers that are being sent
};
