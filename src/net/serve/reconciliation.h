/*
 * The server's side of one set reconciliation (NIP-77): loads the ids and times of the events that
 * a filter matches, and answers the client's messages.
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
	static constexpr size_t kMaxRecords = 1000000; // events of one visitor's filters: 42 MB
	static constexpr size_t kFrameLimit = 60000;   // size limit of our messages in bytes
	static constexpr std::chrono::seconds kIdle{60};

	/* Callbacks. `send` sends a message to the client. `fail` sends NEG-ERR with this text and ends
	 * the reconciliation; `more` are further elements of the message. No call may follow. */
	struct Ways
	{
		std::function<void(std::string message)> send;
		std::function<void(const std::string &why, const std::string &more)> fail;
	};

	Reconciliation(Server &server, const Visitor &visitor, Ways ways);
	~Reconciliation() override;

	/* Loads the set; false if too many calls are under way. `message`, here and in answer(), is
	 * hexadecimal. */
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
	std::string first_; // first message, until the set is loaded
	uint64_t call_ = 0; // the call that loads the set; 0: it is loaded
	Clock::Time asked_; // time of the client's last message
};

} // namespace net
