#include "net/desk/sessions.h"

#include <algorithm>

namespace net {

void
Sessions::open(const wire::RelayOpen &task)
{
	Entry &entry = entries_[task.relay_id];
	if (entry.session && entry.session->state() != Session::State::Ended)
		throw LinkError("the relay is open already");
	if (!entry.ledger)
		entry.ledger = std::make_shared<Ledger>(task.relay_id, shared_.intake.outbox());
	entry.ledger->refused_later = 0;
	entry.session = std::make_unique<Session>(shared_, entry.ledger, task);
}

Session *
Sessions::find(int32_t relay_id, uint32_t attempt) const
{
	auto found = entries_.find(relay_id);
	if (found == entries_.end())
		return nullptr;
	Session *session = found->second.session.get();
	return session->attempt() == attempt && session->state() != Session::State::Ended ? session
																					  : nullptr;
}

void
Sessions::more(const wire::RelayMore &task)
{
	if (Session *session = find(task.relay_id, task.attempt))
		session->more(task);
}

void
Sessions::stop(const wire::RelayStop &stop)
{
	if (Session *session = find(stop.relay_id, stop.attempt))
		session->stop();
}

void
Sessions::tick()
{
	for (auto entry = entries_.begin(); entry != entries_.end();) {
		Session &session = *entry->second.session;
		session.tick();
		if (session.state() == Session::State::Ended && entry->second.ledger->settled())
			entry = entries_.erase(entry);
		else
			++entry;
	}
}

void
Sessions::regulate()
{
	if (shared_.transport.half_received > kMaxAssembly) {
		auto smaller = [](const auto &one, const auto &other) {
			return one.second.session->incomplete() < other.second.session->incomplete();
		};
		std::max_element(entries_.begin(), entries_.end(), smaller)
			->second.session->give_up_message();
	}
	uint64_t in_flight = shared_.intake.outbox().in_flight();
	uint64_t limit = shared_.config.buffer_bytes;
	bool reading = shared_.reading ? in_flight <= limit : in_flight < limit / 4 * 3;
	if (reading == shared_.reading)
		return;
	shared_.reading = reading;
	for (auto &[relay_id, entry] : entries_)
		entry.session->read(reading);
}

std::pair<int, int>
Sessions::count() const
{
	int open = 0, opening = 0;
	for (const auto &[relay_id, entry] : entries_) {
		switch (entry.session->state()) {
		case Session::State::Open:
			open++;
			break;
		case Session::State::Connecting:
			opening++;
			break;
		case Session::State::Ended:
			break;
		}
	}
	return {open, opening};
}

} // namespace net
