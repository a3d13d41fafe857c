/*
 * The secret key of this archive, from the file bigbrotr.key_file. Only the memory of a worker
 * holds the key; the net process gets signed events.
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
	/* Reads the file again. A fault that is new is logged. */
	void read(Worker &worker);
	/* Null if there is no usable key. */
	const nostr::Signer *signer() const { return signer_ ? &*signer_ : nullptr; }

  private:
	std::optional<nostr::Signer> signer_;
	std::string fault_; // fault of the last reading; empty: none
};

} // namespace pg
