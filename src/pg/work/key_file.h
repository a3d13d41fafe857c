/*
 * The secret key of this archive, from the file bigbrotr.key_file. Only the memory of a worker
 * holds the key; the net process gets signed events.
 */
#pragma once

#include <optional>
#include <string>

#include "nostr/keys.h"
#include "wire/sign_in.h"

namespace pg {

class Worker;

class KeyFile
{
  public:
	/* Reads the file again. A fault that is new is logged. */
	void read(Worker &worker);
	/* Null if there is no usable key. */
	const nostr::Signer *signer() const { return signer_ ? &*signer_ : nullptr; }
	/* Signs the challenge of the relay with this URL and sends the signature to the net process.
	 * Needs a usable key (NIP-42). */
	void sign_in(Worker &worker, const wire::SignIn &question, std::string_view url) const;

  private:
	std::optional<nostr::Signer> signer_;
	std::string fault_; // fault of the last reading; empty: none
};

} // namespace pg
