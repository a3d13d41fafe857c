/* Common parts of the SQL functions about services. All functions may raise an ERROR with a
 * hint. */
#pragma once

#include "pg/cycle/slots.h"

namespace pg {

/* Raises an ERROR unless the preload library was loaded at server start. */
void require_preload();

/*
 * The slots of a service of the current database. While the lock is released, a slot may be given
 * to another service, so each access finds the slots by name again.
 */
struct ServiceSlots
{
	const char *database;
	const char *service;

	/* Calls body(Slot &) for each instance. The lock must be held. */
	template <class F> void for_each(F body) const
	{
		for (Slot &slot : all_slots())
			if (is_of(slot, database, service))
				body(slot);
	}
	/* Whether the condition is true for an instance. The lock must be held. */
	template <class F> bool any(F condition) const
	{
		bool found = false;
		for_each([&](const Slot &slot) { found = found || condition(slot); });
		return found;
	}
	/* Whether there are instances, and the condition is true for all. The lock must be held. */
	template <class F> bool all(F condition) const
	{
		return find_slot(database, service, 1) != nullptr &&
			   !any([&](const Slot &slot) { return !condition(slot); });
	}
};

/*
 * The slots of the service with this name in the current database. Waits up to 10 s for the
 * launcher to create them, after a start or a reload.
 */
ServiceSlots require_slots(const char *service);

} // namespace pg
