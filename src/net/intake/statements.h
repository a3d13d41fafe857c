/* Claims and reports about a relay, and the interface that takes them. */
#pragma once

#include <string>

#include "wire/archive.h"

namespace net {

struct Report
{
	uint32_t attempt; // which opening of the relay it is about
	wire::RelayPhase phase;
	std::string reason;
	std::string detail;
	uint32_t retry_after_ms = 0; // asked for by the relay, or until there is a place
	uint32_t page_limit = 0;     // learned; 0: nothing
	uint32_t pace_ms = 0;        // likewise
};

class Statements
{
  public:
	virtual ~Statements() = default;
	virtual void claim(const wire::Claim &claim) = 0;
	virtual void retract(const wire::Retract &retract) = 0;
	virtual void report(int32_t relay_id, const Report &report) = 0;
};

} // namespace net
