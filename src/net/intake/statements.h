/* What is said about a relay, and who takes it down. */
#pragma once

#include <string>

#include "nostr/paging.h"
#include "wire/archive.h"

namespace net {

struct Report
{
	uint32_t attempt; // which opening of the relay it is about
	wire::RelayPhase phase;
	std::string reason;
	std::string detail;
};

class Statements
{
  public:
	virtual ~Statements() = default;
	virtual void claim(int32_t relay_id, const nostr::Claim &claim) = 0;
	virtual void report(int32_t relay_id, const Report &report) = 0;
};

} // namespace net
