/* The services that exist. */
#include "workers/initializer/initializer.h"
#include "workers/refresher/refresher.h"
#include "workers/synchronizer/synchronizer.h"

namespace {

const pg::ServiceEntry entries[] = {
	{"initializer", "checks the schema against the library and loads the seed relays", true,
	 make_initializer},
	{"synchronizer", "archives the events of relays and proves how completely", false,
	 make_synchronizer},
	{"refresher", "folds what was counted into the totals", false, make_refresher},
};

} // namespace

std::span<const pg::ServiceEntry>
pg::services()
{
	return entries;
}
