/* Claims and reports about a relay, and the interface that takes them. */
#pragma once

#include <string>

#include "wire/archive.h"

namespace net {

struct Report
{
	uint32_t attempt; // number of the relay's opening
	wire::RelayPhase phase;
	std::string reason;
	std::string detail;
	uint32_t retry_after_ms = 0; // time that the relay asked for, or until its address has a place
	uint32_t page_limit = 0;     // learned limit; 0: none
	uint32_t pace_ms = 0;        // learned pause; 0: none
};

class Statements
{
  public:
	virtual ~Statements() = default;
	virtual void claim(const wire::RelayClaim &claim) = 0;
	virtual void retract(const wire::RelayRetract &retract) = 0;
	virtual void report(int32_t relay_id, const Report &report) = 0;
};

} // namespace net
