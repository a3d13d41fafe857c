/*
 * The server's side of one set reconciliation (NIP-77): the ids and times of the events that a
 * filter matches, and answers to the client's messages about them.
 */
#pragma once

#include <functional>
#include <string>

#include "net/serve/calls.h"
#include "nostr/filter.h"
#include "nostr/negentropy.h"

namespace net {

class Reconciliation final : public Calls::Caller
{
  public:
	static constexpr size_t kMaxRecords = 1000000; // events of one filter: 42 MB
	static constexpr size_t kFrameLimit = 60000;   // bytes of a message of ours
	static constexpr std::chrono::seconds kIdle{60};

	/* `send` sends a message to the client; `fail` also ends the reconciliation, as its last
	 * act: the text of NEG-ERR, and what follows it. */
	struct Ways
	{
		std::function<void(std::string message)> send;
		std::function<void(const std::string &why, const std::string &more)> fail;
	};

	Reconciliation(Server &server, const Visitor &visitor, Ways ways);
	~Reconciliation() override;

	/* False if the archive is asked too much already. `message` is hexadecimal, as are those of
	 * answer(). */
	bool begin(const ApiRoute &route, const nostr::Filter &filter, std::string message);
	void answer(const std::string &message);
	bool is_idle() const;

  private:
	void on_rows(const wire::Rows &rows) override;
	void on_end(const wire::CallEnd &end) override;

	Server &server_;
	const Visitor visitor_;
	const Ways ways_;
	nostr::negentropy::RecordSet set_;
	std::string first_; // until the set is there
	uint64_t call_ = 0; // that reads it; 0: it is there
	Clock::Time asked_; // when the client last asked
};

} // namespace net
