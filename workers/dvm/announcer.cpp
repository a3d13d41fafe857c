#include "workers/dvm/announcer.h"

#include "nostr/job_events.h"
#include "nostr/monitor_events.h"
#include "pg/border/compat.h"
#include "workers/dvm/settings.h"

extern "C" {
#include "utils/guc.h"
}

std::vector<nostr::Event>
Announcer::events(int64_t now, const std::vector<std::string> &urls,
				  const std::vector<int32_t> &kinds)
{
	constexpr int64_t kDay = 86400;
	std::vector<nostr::Event> events;
	if (urls.empty())
		return events;
	events.push_back(nostr::job_heartbeat(now));
	if (now < announced_ + kDay)
		return events;
	announced_ = now;
	events.push_back(nostr::job_announcement(
		{.name = dvm_settings.name,
		 .about = "answers questions from an archive of Nostr: events, counts, relays, coverage",
		 .kinds = kinds,
		 .price = dvm_settings.price_msat,
		 .lud16 = dvm_settings.address},
		now));
	/* If the publisher runs, it publishes the profile and the list of relays. */
	const char *publisher = GetConfigOption("bigbrotr.publish_relays", true, false);
	if (!publisher || !*publisher) {
		events.push_back(nostr::profile_event(dvm_settings.name, "an archive of Nostr (NIP-90)",
											  now, dvm_settings.address));
		events.push_back(nostr::relay_list_event(urls, now));
	}
	return events;
}
