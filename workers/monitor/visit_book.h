/*
 * The visits that the monitor has handed out to its net process. This code uses no SQL and makes no
 * decisions.
 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

struct HandedVisit
{
	std::string url;
	uint32_t attempt = 0;  // number of this visit; messages about others are void
	int64_t handed_at = 0; // Unix seconds
	bool try_nips = false;
};

class VisitBook
{
  public:
	/* Adds a new visit and sets its attempt. */
	HandedVisit &hand_out(int32_t relay_id, HandedVisit visit)
	{
		visit.attempt = ++attempts_;
		return visits_[relay_id] = std::move(visit);
	}
	/* Null if this visit is not under way. */
	const HandedVisit *find(int32_t relay_id, uint32_t attempt) const
	{
		auto found = visits_.find(relay_id);
		return found == visits_.end() || found->second.attempt != attempt ? nullptr
																		  : &found->second;
	}
	bool was_handed_out(uint32_t attempt) const { return attempt > 0 && attempt <= attempts_; }
	void end(int32_t relay_id) { visits_.erase(relay_id); }
	/* The clock was set back to this Unix second. */
	void clock_set_back(int64_t now)
	{
		for (auto &[id, visit] : visits_)
			visit.handed_at = std::min(visit.handed_at, now);
	}
	/* Forgets everything, because a new net process knows no visit. */
	void clear() { visits_.clear(); }
	int32_t size() const { return static_cast<int32_t>(visits_.size()); }
	const std::unordered_map<int32_t, HandedVisit> &visits() const { return visits_; }

  private:
	std::unordered_map<int32_t, HandedVisit> visits_;
	uint32_t attempts_ = 0;
};
