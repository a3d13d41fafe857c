/*
 * Which relays the monitor's net process is visiting now. It knows no SQL and decides nothing.
 */
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

struct HandedVisit
{
	std::string url;
	uint32_t attempt = 0;  // which visit: what is said of another one is void
	int64_t handed_at = 0; // Unix seconds
	bool try_nips = false;
};

class VisitBook
{
  public:
	/* A new visit; its attempt is set. */
	HandedVisit &hand_out(int32_t relay_id, HandedVisit visit)
	{
		visit.attempt = ++attempts_;
		return visits_[relay_id] = std::move(visit);
	}
	/* Null: it is not that visit that is under way. */
	const HandedVisit *find(int32_t relay_id, uint32_t attempt) const
	{
		auto found = visits_.find(relay_id);
		return found == visits_.end() || found->second.attempt != attempt ? nullptr
																		  : &found->second;
	}
	bool was_handed_out(uint32_t attempt) const { return attempt > 0 && attempt <= attempts_; }
	void end(int32_t relay_id) { visits_.erase(relay_id); }
	/* There is another net process, which knows nothing. */
	void clear() { visits_.clear(); }
	int32_t size() const { return static_cast<int32_t>(visits_.size()); }
	const std::unordered_map<int32_t, HandedVisit> &visits() const { return visits_; }

  private:
	std::unordered_map<int32_t, HandedVisit> visits_;
	uint32_t attempts_ = 0;
};
