/* The list of the services, for the preload library. */
#include <algorithm>

#include "pg/cycle/service_entry.h"
#include "workers/services.h"

#define DECLARE(name) extern const pg::ServiceEntry name##_entry;
#define LIST(name) &name##_entry,

BIGBROTR_SERVICES(DECLARE)

static constexpr const pg::ServiceEntry *entries[] = {BIGBROTR_SERVICES(LIST)};

std::span<const pg::ServiceEntry *const>
pg::services()
{
	return entries;
}

const pg::ServiceEntry *
pg::find_service(std::string_view name)
{
	auto found = std::find_if(std::begin(entries), std::end(entries),
							  [&](const ServiceEntry *entry) { return entry->name == name; });
	return found == std::end(entries) ? nullptr : *found;
}
