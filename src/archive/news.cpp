#include "archive/news.h"

#include <algorithm>

#include "pg/border/error.h"
#include "pg/border/spi.h"
#include "pg/cycle/slots.h"

extern "C" {
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "storage/ipc.h"
#include "utils/array.h"
}

namespace archive {
namespace {

/* The news of the current transaction. If there are more than the ring can hold, only too_many is
 * set. */
std::vector<int64_t> pending;
bool too_many = false;

pg::News &
news()
{
	return pg::shared->news;
}

/* Puts the news into the ring. Must not raise an error, because the transaction has committed. */
void
publish()
{
	LWLockAcquire(pg::shared->news_lock, LW_EXCLUSIVE);
	if (too_many)
		news().end += pg::kNews + 1; // makes every follower notice that it has missed news
	else
		for (int64_t eid : pending)
			news().items[news().end++ % pg::kNews] = {.eid = eid, .database = MyDatabaseId};
	for (pg::NewsFollower &follower : news().followers)
		if (follower.latch && follower.database == MyDatabaseId)
			SetLatch(follower.latch);
	LWLockRelease(pg::shared->news_lock);
}

void
at_end(XactEvent event, void *)
{
	switch (event) {
	case XACT_EVENT_COMMIT:
		if (!pending.empty() || too_many)
			publish();
		break;
	case XACT_EVENT_ABORT:
	case XACT_EVENT_PREPARE:
		break;
	default:
		return;
	}
	pending.clear();
	too_many = false;
}

void
unfollow(int, Datum)
{
	LWLockAcquire(pg::shared->news_lock, LW_EXCLUSIVE);
	for (pg::NewsFollower &follower : news().followers)
		if (follower.latch == MyLatch)
			follower = {};
	LWLockRelease(pg::shared->news_lock);
}

} // namespace

void
announce(const std::vector<int64_t> &eids)
{
	static bool registered = false;
	if (eids.empty() || !pg::shared)
		return;
	if (!registered)
		pg::call([] { RegisterXactCallback(at_end, nullptr); });
	registered = true;
	if (too_many || pending.size() + eids.size() > pg::kNews) {
		too_many = true;
		pending.clear();
	} else {
		pending.insert(pending.end(), eids.begin(), eids.end());
	}
}

Follower::Follower()
{
	bool found = false;
	{
		LWLockAcquire(pg::shared->news_lock, LW_EXCLUSIVE);
		for (pg::NewsFollower &follower : news().followers)
			if (!found && !follower.latch) {
				follower = {.latch = MyLatch, .database = MyDatabaseId};
				found = true;
			}
		next_ = news().end;
		LWLockRelease(pg::shared->news_lock);
	}
	if (!found)
		throw pg::Error(ERRCODE_TOO_MANY_CONNECTIONS, "too many workers follow new events",
						"There are " + std::to_string(pg::kNewsFollowers) + " already.",
						"Run the service api in fewer databases.");
	pg::call([] { before_shmem_exit(unfollow, 0); });
}

bool
Follower::read(std::vector<int64_t> &eids)
{
	LWLockAcquire(pg::shared->news_lock, LW_SHARED);
	const uint64_t end = news().end;
	LWLockRelease(pg::shared->news_lock);
	if (end == next_)
		return true;
	/* Memory is allocated before the lock is taken. */
	eids.reserve(eids.size() + std::min<uint64_t>(end - next_, pg::kNews));
	LWLockAcquire(pg::shared->news_lock, LW_SHARED);
	const bool complete = news().end - next_ <= pg::kNews;
	if (!complete)
		next_ = end;
	for (; next_ < end; next_++) {
		const pg::NewsItem &item = news().items[next_ % pg::kNews];
		if (item.database == MyDatabaseId)
			eids.push_back(item.eid);
	}
	LWLockRelease(pg::shared->news_lock);
	return complete;
}

} // namespace archive

SQL_FUNCTION(bigbrotr_announce_events)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	if (ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT8OID)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("an array of bigint without null is expected"),
						errdetail("The elements are values of bigbrotr.events.eid."),
						errhint("Leave out the elements that are null.")));
	const auto *first = reinterpret_cast<const int64_t *>(ARR_DATA_PTR(array));
	int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return pg::boundary([&] {
		archive::announce({first, first + count});
		return Datum(0);
	});
}
