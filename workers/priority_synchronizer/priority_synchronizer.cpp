/*
 * The priority synchronizer: reads each relay of bigbrotr.priority_relays at least once in the
 * interval that the view shows. It runs the code of the synchronizer with a worker, a net process
 * and places of its own, so that the two services do not wait for each other.
 */
#include "workers/synchronizer/synchronizer.h"

std::unique_ptr<pg::Service>
make_priority_synchronizer()
{
	return make_synchronizer_of(Share::Priority);
}
