#include "relay_list.h"

#include <algorithm>

#include "nostr/relay_url.h"
#include "worker.h"

namespace pg {

std::vector<std::string>
relay_list(Worker &worker, std::string_view setting, std::string_view list)
{
	constexpr size_t kMostRelays = 50;
	std::vector<std::string> urls;
	while (!list.empty()) {
		const size_t end = std::min(list.find_first_of(", \t\n"), list.size());
		const std::string_view text = list.substr(0, end);
		list.remove_prefix(std::min(end + 1, list.size()));
		if (text.empty())
			continue;
		nostr::RelayUrl url = nostr::normalise_relay_url(text);
		if (!url.ok() || urls.size() == kMostRelays)
			worker.log(wire::LogLevel::Warning, "could not use a relay of " + std::string(setting) +
													": " + std::string(text) + ": " +
													(url.ok() ? "too many" : url.reason));
		else if (std::find(urls.begin(), urls.end(), url.url) == urls.end())
			urls.push_back(std::move(url.url));
	}
	return urls;
}

} // namespace pg
