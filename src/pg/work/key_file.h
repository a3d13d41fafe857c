/*
 * The secret key of this archive: the file of bigbrotr.key_file. It is in the memory of a worker
 * only; the net process gets signed events.
 */
#pragma once

#include <optional>
#include <string>

#include "nostr/keys.h"

namespace pg {

class Worker;

class KeyFile
{
  public:
	/* Reads the file anew. A new fault of the file goes to the log. */
	void read(Worker &worker);
	/* Null: there is no key that may be used. */
	const nostr::Signer *signer() const { return signer_ ? &*signer_ : nullptr; }

  private:
	std::optional<nostr::Signer> signer_;
	std::string fault_; // of the last read, in words; empty: none
};

} // namespace pg
