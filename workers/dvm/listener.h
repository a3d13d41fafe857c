/* The relays of bigbrotr.dvm_relays, and the connections on which requests, or receipts of
 * payments, are heard there. */
#pragma once

#include <string>
#include <vector>

#include "pg/work/worker.h"
#include "wire/publish.h"

class Listener
{
  public:
	/* Relays are called by numbers from `first_number` on. */
	explicit Listener(int32_t first_number) : first_number_(first_number) {}

	/* Reads the setting again. Connections to other relays end first. */
	void read_relays(pg::Worker &worker);
	/* Opens the connections that are due, for events of these kinds since then, of that author
	 * (null: of all). */
	void listen(pg::Worker &worker, const std::vector<int32_t> &kinds, int64_t since,
				const nostr::PublicKey *author = nullptr);
	/* Ends all connections. */
	void stop(pg::Worker &worker);
	/* The net process is gone, and the connections with it. */
	void forget_connections();

	std::vector<std::string> urls() const;
	/* Where that connection goes; null: it is over. It may ask who listens a few times. */
	const std::string *heard(int32_t number, uint32_t attempt);
	const std::string *asks_who_listens(int32_t number, uint32_t attempt);
	void take(pg::Worker &worker, const wire::ConnectionEnded &end);

  private:
	struct Source
	{
		std::string url;
		uint32_t attempt = 0;
		bool open = false;
		int64_t next = 0; // not connected to before, Unix seconds
		int failures = 0;
		int signatures = 0; // made for this connection
	};

	Source *find(int32_t number, uint32_t attempt);

	const int32_t first_number_;
	std::vector<Source> sources_; // the net process calls them by their places
	bool reread_ = false;         // the setting changed, and connections of the old list are open
	uint32_t attempts_ = 0;
};
