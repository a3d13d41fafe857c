#include "net/desk/archive_desk.h"

#include <algorithm>

namespace net {

/* Limit for the bytes in half-received messages of all relays. Above it, the relay with the largest
 * message is disconnected. */
constexpr size_t kMaxAssembly = 64 << 20;

static Manners
manners_of(wire::Politeness politeness)
{
	switch (politeness) {
	case wire::Politeness::Quiet:
		return {.first_width = 1, .most_width = 1, .least_pause = std::chrono::milliseconds(500)};
	case wire::Politeness::Normal:
		break;
	case wire::Politeness::Sweep:
		return {.first_width = 8, .most_width = 16};
	}
	return {};
}

static Config
config_of(const wire::ArchiveSettings &settings)
{
	Config config;
	set_dialling(config, settings.dial);
	config.response_timeout = std::chrono::milliseconds(settings.response_timeout_ms);
	config.page_limit = settings.page_limit;
	config.max_per_address = settings.max_per_address;
	config.manners = manners_of(settings.politeness);
	config.max_message_bytes = size_t(settings.max_message_size_kb) * 1024;
	config.limits.event_bytes = size_t(settings.max_event_size_kb) * 1024;
	config.limits.tags = size_t(settings.max_event_tags);
	return config;
}

void
ArchiveDesk::handle(const wire::Frame &frame)
{
	std::visit([this](const auto &message) { take(message); },
			   desk_message<wire::ArchiveToNet, wire::ArchiveSettings>(frame, work_.has_value()));
}

void
ArchiveDesk::take(const wire::ArchiveSettings &settings)
{
	if (!work_)
		work_.emplace(*this, unsigned(settings.verifier_threads));
	work_->host.config = config_of(settings);
	work_->host.parser = nostr::MessageParser(work_->host.config.limits);
	work_->intake.budget().set_limit(uint64_t(settings.buffer_kb) * 1024);
	work_->most_paging = uint64_t(settings.paging_kb) * 1024;
}

void
ArchiveDesk::take(const wire::RelayOpen &task)
{
	auto [found, fresh] = work_->relays.try_emplace(task.relay_id, work_->host, work_->intake,
													link_, work_->pages, task.relay_id);
	found->second.open(task);
}

void
ArchiveDesk::take(const wire::RelayMore &task)
{
	if (RelayEntry *relay = find(task.relay_id, task.attempt))
		relay->more(task);
}

void
ArchiveDesk::take(const wire::RelayStop &task)
{
	if (RelayEntry *relay = find(task.relay_id, task.attempt))
		relay->stop();
}

void
ArchiveDesk::take(const wire::SignedIn &answer)
{
	if (RelayEntry *relay = find(answer.relay_id, answer.attempt))
		relay->sign_in(answer);
}

void
ArchiveDesk::take(const wire::Forget &forget)
{
	work_->intake.forget(forget.ids);
	for (auto &[relay_id, relay] : work_->relays)
		relay.forget_sent();
}

void
ArchiveDesk::take(const wire::SeenAnswer &seen)
{
	if (RelayEntry *relay = find(seen.relay_id, seen.attempt))
		relay->answered(seen);
}

void
ArchiveDesk::take(const wire::Wanted &wanted)
{
	if (RelayEntry *relay = find(wanted.relay_id, wanted.attempt))
		relay->answered(wanted);
}

/* Null if the opening `attempt` is over: messages about an earlier opening are ignored. */
RelayEntry *
ArchiveDesk::find(int32_t relay_id, uint32_t attempt)
{
	auto found = work_->relays.find(relay_id);
	if (found == work_->relays.end() || found->second.attempt() != attempt)
		return nullptr;
	return found->second.state() == RelayClient::State::Ended ? nullptr : &found->second;
}

void
ArchiveDesk::tick()
{
	if (!work_)
		return;
	for (auto relay = work_->relays.begin(); relay != work_->relays.end();) {
		relay->second.tick();
		relay = relay->second.over() ? work_->relays.erase(relay) : std::next(relay);
	}
	bound_paging();
}

/* The relay whose reading holds most memory is given up. Its claims stay, and the rest is read
 * later. This memory is not charged to the budget: readings that wait for memory of the others
 * could wait for ever. */
void
ArchiveDesk::bound_paging()
{
	if (paging() > work_->most_paging)
		std::ranges::max_element(work_->relays, {}, [](const auto &relay) {
			return relay.second.paging();
		})->second.give_up_reading();
}

uint64_t
ArchiveDesk::paging() const
{
	uint64_t bytes = 0;
	for (const auto &[relay_id, relay] : work_->relays)
		bytes += relay.paging();
	return bytes;
}

void
ArchiveDesk::end_of_turn()
{
	if (!work_)
		return;
	bound_assembly();
	ask_pages();
	work_->intake.end_of_turn();
}

void
ArchiveDesk::bound_assembly()
{
	if (work_->host.transport.half_received <= kMaxAssembly)
		return;
	std::max_element(work_->relays.begin(), work_->relays.end(),
					 [](const auto &one, const auto &other) {
						 return one.second.incomplete() < other.second.incomplete();
					 })
		->second.give_up_message();
}

/* Relays ask in the order in which they became ready. Otherwise small pages could delay a large
 * page for ever. */
void
ArchiveDesk::ask_pages()
{
	while (!work_->pages.empty()) {
		auto found = work_->relays.find(work_->pages.front());
		if (found != work_->relays.end() && !found->second.ask_page())
			break;
		work_->pages.pop_front();
	}
}

std::vector<wire::Gauge>
ArchiveDesk::gauges() const
{
	if (!work_)
		return {};
	int64_t open = 0, opening = 0;
	for (const auto &[relay_id, relay] : work_->relays) {
		open += relay.state() == RelayClient::State::Open;
		opening += relay.state() == RelayClient::State::Connecting;
	}
	const Delays &delays = work_->intake.outbox().delays();
	return {{"connections", open},
			{"connecting", opening},
			{"bytes_in_flight", int64_t(work_->intake.budget().in_flight())},
			{"bytes_paging", int64_t(paging())},
			{"events", int64_t(work_->intake.taken())},
			{"events_recognised", int64_t(work_->intake.recognised())},
			{"verified", int64_t(work_->intake.verified())},
			{"messages", int64_t(work_->host.messages)},
			{"clock_ahead_seconds", work_->host.clocks.ahead()},
			{"live_events", delays.count()},
			{"live_us", delays.microseconds()},
			{"live_within_100ms", delays.within(0)},
			{"live_within_250ms", delays.within(1)},
			{"live_within_500ms", delays.within(2)},
			{"live_within_1s", delays.within(3)},
			{"live_within_2500ms", delays.within(4)},
			{"live_within_10s", delays.within(5)}};
}

} // namespace net
