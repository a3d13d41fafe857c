/*
 * The priority synchronizer: reads each relay of bigbrotr.priority_relays at least once in the
 * interval that stands there. It does what the synchronizer does, with a worker, a net process and
 * places of its own, so that neither waits for what the other one is busy with.
 */
#include "workers/synchronizer/synchronizer.h"

std::unique_ptr<pg::Service>
make_priority_synchronizer()
{
	return make_synchronizer_of(Share::Priority);
}
