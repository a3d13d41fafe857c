/* The farm's name server: bytes of a query in, bytes of the answer out. */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "kind.h"

namespace farm {

class NameServer
{
  public:
	void add(const Relay &relay) { relays_.emplace(relay.name, &relay); }
	/* Nothing: there is no answer. */
	std::optional<std::string> answer(std::string_view query) const;

  private:
	std::unordered_map<std::string, const Relay *> relays_;
};

} // namespace farm
