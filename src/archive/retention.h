/*
 * Events that are too old to be archived: bigbrotr.retention_rules. The refresher deletes such
 * events, and writers leave out events that it would delete at once.
 */
#pragma once

#include <cstdint>
#include <vector>

namespace archive {

class RetentionRules
{
  public:
	/* The rules in force, with the times to which the refresher has advanced them. Must be called
	 * inside a transaction with SPI connected and a snapshot pushed. */
	static RetentionRules load();

	/* Whether such an event is left out. */
	bool leave_out(int32_t kind, int64_t created_at) const
	{
		for (const Rule &rule : rules_)
			if (rule.first_kind <= kind && kind <= rule.last_kind && created_at < rule.before)
				return true;
		return false;
	}
	bool none() const { return rules_.empty(); }

  private:
	struct Rule // one range of kinds of a rule
	{
		int32_t first_kind, last_kind;
		int64_t before; // Unix seconds
	};
	std::vector<Rule> rules_;
};

} // namespace archive
