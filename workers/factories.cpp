/* The functions that create the services, for the core library. */
#include "pg/work/worker.h"
#include "workers/services.h"

#define DECLARE(name) std::unique_ptr<pg::Service> make_##name();
#define MAKE(name)                                                                                 \
	if (service == #name)                                                                          \
		return make_##name();

BIGBROTR_SERVICES(DECLARE)

std::unique_ptr<pg::Service>
pg::make_service(std::string_view service)
{
	BIGBROTR_SERVICES(MAKE)
	return nullptr;
}
