/*
 * The desk of role sync: reads relays and gives their events to the worker. The desk owns the
 * relays, divides the memory among them, and exchanges messages with the worker.
 */
#pragma once

#include <optional>
#include <unordered_map>

#include "net/desk/desk.h"
#include "net/desk/relay_entry.h"

namespace net {

class ArchiveDesk final : public Desk
{
  public:
	ArchiveDesk(const Transport &transport, Link &link) : transport_(transport), link_(link) {}

	void handle(const wire::Frame &frame) override;
	void tick() override;
	void end_of_turn() override;
	std::vector<wire::Gauge> gauges() const override;
	bool threads_made() const override { return work_.has_value(); }

  private:
	/* Objects that need the settings; created when the first settings arrive. */
	struct Work
	{
		Intake intake;
		ClientHost host;
		PageQueue pages;
		uint64_t most_paging = 0; // bytes
		std::unordered_map<int32_t, RelayEntry> relays;

		Work(ArchiveDesk &desk, unsigned verifier_threads)
			: intake(desk.transport_.reactor, desk.link_, desk.transport_.clock, verifier_threads),
			  host{desk.transport_}
		{
		}
	};

	void take(const wire::ArchiveSettings &settings);
	void take(const wire::RelayOpen &task);
	void take(const wire::RelayMore &task);
	void take(const wire::RelayStop &task);
	void take(const wire::Known &answer) { work_->intake.answered(answer); }
	void take(const wire::Forget &forget);
	void take(const wire::SeenAnswer &seen);
	void take(const wire::Wanted &wanted);
	void take(const wire::SignedIn &answer);
	void take(const wire::Ack &ack) { work_->intake.outbox().acknowledged(ack.number); }
	RelayEntry *find(int32_t relay_id, uint32_t attempt);
	void bound_assembly();
	void bound_paging();
	uint64_t paging() const;
	void ask_pages();

	const Transport transport_;
	Link &link_;
	std::optional<Work> work_;
};

} // namespace net
