/*
 * Work that may fail without aborting the transaction.
 */
#pragma once

#include "pg/border/error.h"

extern "C" {
#include "access/xact.h"
#include "utils/resowner.h"
}

namespace pg {

/*
 * Runs `body` in a subtransaction. An exception rolls the subtransaction back and is thrown to the
 * caller, whose transaction continues. Memory context and SPI connection stay the caller's.
 */
template <class F>
void
subtransaction(F &&body)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	auto resume = [&] {
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	};
	call([&] {
		BeginInternalSubTransaction(nullptr);
		MemoryContextSwitchTo(context);
	});
	try {
		body();
		call([] { ReleaseCurrentSubTransaction(); });
	} catch (...) {
		call([] { RollbackAndReleaseCurrentSubTransaction(); });
		resume();
		throw;
	}
	resume();
}

} // namespace pg
