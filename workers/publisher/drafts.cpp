#include "workers/publisher/drafts.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "nostr/canonical.h"
#include "nostr/monitor_events.h"
#include "pg/border/settings.h"
#include "pg/border/spi.h"
#include "wire/probe.h"
#include "workers/publisher/settings.h"

namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kChangePause = 600; // seconds between two events about a relay that changes

pg::Statement announcement_statement(
	"SELECT frequency, writes, networks, locates FROM _bigbrotr.announcement($1)");
pg::Statement due_statement("SELECT _bigbrotr.publication_due($1, $2, $3, $4, $5)");
pg::Statement relays_statement(
	"SELECT url, network, checked_at, rtt_open, rtt_read, rtt_write, nips, auth, payment, writes, "
	"pow, topics, document, digest, geohash, country, as_number, languages FROM "
	"_bigbrotr.relays_to_publish($1, $2, $3, $4, $5, $6)");

struct Announcement
{
	nostr::MonitorFacts facts;
	bool visits = false; // the monitor is running
};

/* The items of a list, except empty ones. */
std::vector<std::string_view>
split(std::string_view list, char separator)
{
	std::vector<std::string_view> items;
	while (!list.empty()) {
		const size_t end = std::min(list.find(separator), list.size());
		if (end > 0)
			items.push_back(list.substr(0, end));
		list.remove_prefix(std::min(end + 1, list.size()));
	}
	return items;
}

std::optional<nostr::Network>
network_of(std::string_view name)
{
	for (size_t i = 0; i < nostr::kNetworks; i++)
		if (auto network = static_cast<nostr::Network>(i); nostr::network_name(network) == name)
			return network;
	return std::nullopt;
}

Announcement
announcement(int64_t now)
{
	Announcement found;
	pg::Rows row = announcement_statement.run({pg::value(now)});
	const bool writes = row.integer(0, 2) != 0;
	found.visits = !row.null(0, 3);
	if (found.visits)
		for (std::string_view name : split(row.bytes(0, 3), ','))
			if (auto network = network_of(name); network && *network != nostr::Network::Local)
				found.facts.networks.push_back(*network);
	const int64_t connect = pg::settings::connect_timeout_ms;
	const int64_t answer = wire::ProbeSettings().response_timeout_ms;
	found.facts.frequency = row.integer(0, 1);
	found.facts.checks = {"open", "read", "nip11", "dns", "ssl"};
	found.facts.timeouts = {{"open", connect}, {"read", answer}, {"nip11", answer}};
	if (row.integer(0, 4) != 0)
		found.facts.checks.emplace_back("geo");
	if (writes) {
		found.facts.checks.insert(found.facts.checks.begin() + 2, "write");
		found.facts.timeouts.insert(found.facts.timeouts.begin() + 2, {"write", answer});
	}
	return found;
}

/* Whether the target is a local relay. Only local relays are told about local relays. */
bool
is_local(const std::string &target)
{
	return nostr::normalise_relay_url(target).network == nostr::Network::Local;
}

nostr::RelayFacts
relay_facts(const pg::Rows &rows, uint64_t row)
{
	auto number = [&](int column) {
		return rows.null(row, column) ? std::nullopt : std::optional(rows.integer(row, column));
	};
	auto demanded = [&](int column) -> nostr::Demanded {
		if (rows.null(row, column))
			return std::nullopt;
		return rows.integer(row, column) != 0;
	};
	auto text = [&](int column) {
		return rows.null(row, column) ? std::string_view() : rows.bytes(row, column);
	};
	nostr::RelayFacts facts;
	facts.url = text(1);
	facts.network = network_of(text(2)).value_or(nostr::Network::Clearnet);
	facts.checked_at = rows.integer(row, 3);
	facts.rtt_open = number(4);
	facts.rtt_read = number(5);
	facts.rtt_write = number(6);
	for (std::string_view nip : split(text(7), ','))
		facts.nips.push_back(std::stoi(std::string(nip)));
	facts.auth = demanded(8);
	facts.payment = demanded(9);
	facts.writes = demanded(10);
	facts.pow = demanded(11);
	for (std::string_view topic : split(text(12), '\n'))
		facts.topics.emplace_back(topic);
	for (std::string_view language : split(text(18), ','))
		facts.languages.emplace_back(language);
	facts.document = text(13);
	facts.geohash = text(15);
	facts.country = text(16);
	facts.as_number = number(17).value_or(0);
	return facts;
}

/* Adds an event about the monitor itself if it is due. The hash includes the author, because
 * another author is another monitor. */
void
add_if_due(std::vector<Draft> &due, const Recipient &to, nostr::Event event, int64_t now)
{
	const nostr::Id id =
		nostr::sha256(std::string(nostr::view(to.author)) + event.tags + '\n' + event.content);
	std::string hash(nostr::view(id));
	if (due_statement
			.run({pg::value(std::string_view(to.url)), pg::value(event.kind), pg::bytea(hash),
				  pg::value(kDay), pg::value(now)})
			.integer(0, 1) != 0)
		due.push_back({.event = std::move(event), .subject = {}, .hash = std::move(hash)});
}

} // namespace

std::vector<Draft>
own_drafts(const Recipient &to, const std::vector<std::string> &targets, int64_t now)
{
	std::vector<Draft> due;
	if (*publisher_settings.name)
		add_if_due(
			due, to,
			nostr::profile_event(publisher_settings.name, "monitors Nostr relays (NIP-66)", now),
			now);
	add_if_due(due, to, nostr::relay_list_event(targets, now), now);
	return due;
}

std::vector<Draft>
found_drafts(const Recipient &to, size_t most, int64_t now)
{
	std::vector<Draft> due;
	const Announcement monitor = announcement(now);
	if (!monitor.visits)
		return due;
	add_if_due(due, to, nostr::monitor_event(monitor.facts, now), now);
	pg::Rows rows =
		relays_statement.run({pg::value(std::string_view(to.url)), pg::value(is_local(to.url)),
							  pg::value(monitor.facts.frequency), pg::value(kChangePause),
							  pg::value(static_cast<int32_t>(most - due.size())), pg::value(now)});
	for (uint64_t row = 0; row < rows.count(); row++) {
		nostr::RelayFacts facts = relay_facts(rows, row);
		nostr::Event event = nostr::relay_discovery_event(facts);
		due.push_back({.event = std::move(event),
					   .subject = std::move(facts.url),
					   .hash = std::string(rows.bytes(row, 14))});
	}
	return due;
}
