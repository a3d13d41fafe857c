#include "workers/monitor/plan.h"

#include "pg/border/settings.h"
#include "pg/border/spi.h"
#include "pg/work/networks.h"
#include "wire/link.h"

namespace {

/* Largest numbers of visits at the same time. `visits` counts this monitor; the other limits count
 * all monitors. */
struct Pace
{
	const char *name;
	int32_t visits, per_host, per_site, overlay;
};

constexpr Pace kQuiet{.name = "quiet", .visits = 10, .per_host = 1, .per_site = 2, .overlay = 2};
constexpr Pace kNormal{
	.name = "normal", .visits = 100, .per_host = 2, .per_site = 8, .overlay = 10};
constexpr Pace kSweep{
	.name = "sweep", .visits = 1000, .per_host = 4, .per_site = 32, .overlay = 50};

const Pace &
pace()
{
	switch (static_cast<wire::Politeness>(pg::settings::politeness)) {
	case wire::Politeness::Quiet:
		return kQuiet;
	case wire::Politeness::Sweep:
		return kSweep;
	case wire::Politeness::Normal:
		break;
	}
	return kNormal;
}

pg::Statement take_statement(
	"SELECT relay_id, url, try_nips "
	"FROM _bigbrotr.take_visits($1, $2, $3, $4, $5, string_to_array($6, ','), $7, $8)");

} // namespace

const char *
monitor_pace()
{
	return pace().name;
}

int
visits_per_address()
{
	return pace().per_site;
}

std::vector<PlannedVisit>
plan_visits(const VisitBook &book, const std::string &owner, int64_t now)
{
	const Pace &most = pace();
	std::vector<PlannedVisit> plan;
	int32_t places = most.visits - book.size();
	if (places <= 0)
		return plan;
	std::string networks = pg::reachable_networks();
	pg::Rows rows = take_statement.run(
		{pg::value(std::string_view(owner)), pg::value(places), pg::value(most.per_host),
		 pg::value(most.per_site), pg::value(most.overlay), pg::value(std::string_view(networks)),
		 pg::value(now), pg::value(kVisitLease)});
	for (uint64_t row = 0; row < rows.count(); row++)
		plan.push_back({.relay_id = static_cast<int32_t>(rows.integer(row, 1)),
						.url = std::string(rows.bytes(row, 2)),
						.try_nips = rows.integer(row, 3) != 0});
	return plan;
}
