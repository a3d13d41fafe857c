/* The relays of bigbrotr.dvm_relays, and the connections on which the service hears requests or
 * receipts of payments. */
#pragma once

#include <string>
#include <vector>

#include "pg/work/worker.h"
#include "wire/publish.h"

class RelayListener
{
  public:
	/* Numbers from `first_number` on name the relays. */
	explicit RelayListener(int32_t first_number) : first_number_(first_number) {}

	/* Reads the setting again, after the connections to the old relays have ended. */
	void read_relays(pg::Worker &worker);
	/* Opens the connections that are due. They ask for events of these kinds since this time, by
	 * this author (null: by any author). */
	void listen(pg::Worker &worker, const std::vector<int32_t> &kinds, int64_t since,
				const nostr::PublicKey *author = nullptr);
	/* Ends all connections. */
	void stop(pg::Worker &worker);
	/* Must be called when the net process has ended, which ends all connections. */
	void forget_connections();

	std::vector<std::string> urls() const;
	/* The URL of this connection; null if it is over. asks_who_listens() also returns null after a
	 * few calls. */
	const std::string *heard(int32_t number, uint32_t attempt);
	const std::string *asks_who_listens(int32_t number, uint32_t attempt);
	void take(pg::Worker &worker, const wire::ConnectionEnded &end);

  private:
	struct Source
	{
		std::string url;
		uint32_t attempt = 0;
		bool open = false;
		int64_t next = 0; // earliest time of the next connection, Unix seconds
		int failures = 0;
		int signatures = 0; // answers to challenges on this connection
	};

	Source *find(int32_t number, uint32_t attempt);

	const int32_t first_number_;
	std::vector<Source> sources_; // number of a relay: first_number_ and its index
	bool reread_ = false;         // the setting changed while connections were open
	uint32_t attempts_ = 0;
};
