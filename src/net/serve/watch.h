/*
 * Watches a route whose rows are a state, each row with a key (its position). While a client
 * listens, the watch asks every few seconds and compares the answer with the one before. A change
 * that is reverted between two questions is not noticed.
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
	static constexpr size_t kRemembered = 10000; // number of changes
	static constexpr size_t kMaxKeys = 200000;

	Watch(Server &server, std::string route) : server_(server), route_(std::move(route)) {}

	/* Must be called while a client listens. */
	void tick();

	/* Numbers of changes, from 1 on. */
	uint64_t newest() const { return first_ + changes_.size() - 1; }
	uint64_t oldest() const { return first_; }
	const std::string &change(uint64_t number) const { return changes_[number - first_]; }
	/* The row of a state with a single row without a key; null if it is not known yet. */
	const std::string *single() const;

  private:
	void on_rows(const wire::Rows &rows) override;
	void on_end(const wire::CallEnd &end) override;

	Server &server_;
	const std::string route_;
	std::map<std::string, std::string> state_;
	bool known_ = false; // the first answer is not a change
	std::deque<std::string> changes_;
	uint64_t first_ = 1; // number of changes_.front()
	uint64_t call_ = 0;
	Clock::Time asked_{};
};

} // namespace net
