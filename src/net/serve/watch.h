/*
 * A route whose rows are a state, each with a key (its position): asked every few seconds as long
 * as someone listens, and compared with the answer before. What changes and changes back between
 * two questions is not seen.
 */
#pragma once

#include <deque>
#include <map>
#include <string>

#include "net/serve/calls.h"

namespace net {

class Watch final : public Calls::Caller
{
  public:
	static constexpr std::chrono::seconds kEvery{10};
	static constexpr size_t kRemembered = 10000; // changes
	static constexpr size_t kMaxKeys = 200000;

	Watch(Server &server, std::string route) : server_(server), route_(std::move(route)) {}

	/* Someone listens. */
	void tick();

	/* Changes have numbers from 1 on. */
	uint64_t newest() const { return first_ + changes_.size() - 1; }
	uint64_t oldest() const { return first_; }
	const std::string &change(uint64_t number) const { return changes_[number - first_]; }
	/* The row of a state that has one row without a key; null: there is none yet. */
	const std::string *single() const;

  private:
	void on_rows(const wire::Rows &rows) override;
	void on_end(const wire::CallEnd &end) override;

	Server &server_;
	const std::string route_;
	std::map<std::string, std::string> state_;
	bool known_ = false; // the first answer is no change
	std::deque<std::string> changes_;
	uint64_t first_ = 1; // number of changes_.front()
	uint64_t call_ = 0;
	Clock::Time asked_{};
};

} // namespace net
