/* Payments of jobs: the receipts of zaps (NIP-57) by bigbrotr.dvm_zapper that the relays of
 * bigbrotr.dvm_relays send. */
#pragma once

#include <optional>

#include "workers/dvm/relay_listener.h"

class Payments
{
  public:
	/* Numbers from `first_number` on name the relays. */
	explicit Payments(int32_t first_number) : listener_(first_number) {}

	void read_settings(pg::Worker &worker);
	/* Opens the connections that are due. */
	void listen(pg::Worker &worker);
	void forget_connections() { listener_.forget_connections(); }
	/* Whether this connection listens for payments. */
	bool heard(int32_t number, uint32_t attempt) { return listener_.heard(number, attempt); }
	/* Takes a receipt as JSON. True: the receipt pays for a job. */
	bool take(pg::Worker &worker, std::string_view receipt, const nostr::PublicKey &us);
	void take(pg::Worker &worker, const wire::ConnectionEnded &end) { listener_.take(worker, end); }
	const std::string *asks_who_listens(int32_t number, uint32_t attempt)
	{
		return listener_.asks_who_listens(number, attempt);
	}

  private:
	RelayListener listener_;
	std::optional<nostr::PublicKey> zapper_; // none: payments are not watched
};
