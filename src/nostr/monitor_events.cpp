#include "monitor_events.h"

#include "tag_list.h"

namespace nostr {

namespace {

/* Adds labels (NIP-32), in a namespace that other monitors use too. */
void
add_labels(TagList &tags, std::string_view label_namespace, const std::vector<std::string> &labels)
{
	if (!labels.empty())
		tags.add({"L", label_namespace});
	for (const std::string &label : labels)
		tags.add({"l", label, label_namespace});
}

/* A normalised URL with an empty path has no slash at its end, but NIP-66 requires one (RFC 3986,
 * 6.2.3). */
std::string
with_path(std::string url)
{
	if (url.find('/', url.find("://") + 3) == url.npos)
		url += '/';
	return url;
}

} // namespace

Event
relay_discovery_event(const RelayFacts &facts)
{
	TagList tags;
	tags.add({"d", with_path(facts.url)});
	if (facts.network != Network::Local)
		tags.add({"n", network_name(facts.network)});
	tags.add_number("rtt-open", facts.rtt_open);
	tags.add_number("rtt-read", facts.rtt_read);
	tags.add_number("rtt-write", facts.rtt_write);
	for (int32_t nip : facts.nips)
		tags.add_number("N", nip);
	const std::pair<const char *, Demanded> demands[] = {{"auth", facts.auth},
														 {"payment", facts.payment},
														 {"writes", facts.writes},
														 {"pow", facts.pow}};
	for (const auto &[name, demanded] : demands)
		if (demanded)
			tags.add({"R", *demanded ? name : std::string("!") + name});
	for (const std::string &topic : facts.topics)
		tags.add_text("t", topic);
	tags.add_text("g", facts.geohash);
	add_labels(tags, "ISO-639-1", facts.languages);
	if (!facts.country.empty())
		add_labels(tags, "ISO-3166-1", {facts.country});
	if (facts.as_number != 0)
		add_labels(tags, "IANA-asn", {std::to_string(facts.as_number)});
	return event_of(kRelayDiscovery, facts.checked_at, std::move(tags), facts.document);
}

Event
monitor_event(const MonitorFacts &facts, int64_t created_at)
{
	TagList tags;
	tags.add_number("frequency", facts.frequency);
	/* In the text of NIP-66 the number comes first; in its example and in most software it comes
	 * last. */
	for (const auto &[check, ms] : facts.timeouts)
		tags.add({"timeout", check, std::to_string(ms)});
	for (const std::string &check : facts.checks)
		tags.add({"c", check});
	for (Network network : facts.networks)
		tags.add({"n", network_name(network)});
	return event_of(kMonitor, created_at, std::move(tags), "");
}

Event
write_check_event(std::string_view url, int64_t created_at)
{
	constexpr int64_t kKept = 600;
	TagList tags;
	tags.add({"d", url});
	tags.add({"expiration", std::to_string(created_at + kKept)});
	return event_of(kWriteCheck, created_at, std::move(tags), "write check of a monitor");
}

Event
profile_event(std::string_view name, std::string_view about, int64_t created_at,
			  std::string_view lud16)
{
	std::string content = "{\"name\":";
	append_json_string(name, content);
	content += ",\"about\":";
	append_json_string(about, content);
	if (!lud16.empty()) {
		content += ",\"lud16\":";
		append_json_string(lud16, content);
	}
	content += '}';
	return event_of(kProfile, created_at, {}, std::move(content));
}

Event
relay_list_event(const std::vector<std::string> &urls, int64_t created_at)
{
	TagList tags;
	for (const std::string &url : urls)
		tags.add({"r", url, "write"});
	return event_of(kRelayList, created_at, std::move(tags), "");
}

} // namespace nostr
