/*
 * Sends numbered results to the worker on credit. One result is open and collects. It closes when
 * it is full or old enough, and is sent when fewer than kMaxUnacknowledged results are sent and not
 * acknowledged. Acknowledgements come in the order of the numbers.
 *
 * A Result starts empty and has empty() and full(). It is kept until it is acknowledged.
 */
#pragma once

#include <chrono>
#include <deque>
#include <functional>

#include "net/core/link.h"
#include "net/core/reactor.h"

namespace net {

template <class Result> class ResultStream
{
  public:
	static constexpr size_t kMaxUnacknowledged = 4;
	static constexpr std::chrono::milliseconds kMaxAge{100};

	using Send = std::function<void(uint64_t number, Result &result)>;
	using Committed = std::function<void(Result &result)>;

	ResultStream(Reactor &reactor, Send send, Committed committed)
		: send_(std::move(send)), committed_(std::move(committed)), timer_(reactor, [this] {
			  close_open();
			  pump();
		  })
	{
	}

	Result &open() { return open_; }
	/* Must be called after an addition to the open result. */
	void added()
	{
		if (open_.full()) {
			close_open();
			pump();
		} else {
			arm();
		}
	}

	/* Throws LinkError if `number` is not the oldest unacknowledged result. */
	void acknowledged(uint64_t number)
	{
		if (sent_.empty() || first_sent_ != number)
			throw LinkError("acknowledgement out of order");
		Result result = std::move(sent_.front());
		sent_.pop_front();
		first_sent_++;
		committed_(result);
		/* The acknowledgement gives credit, which must not make the open result wait longer. */
		pump();
		if (!open_.empty())
			arm();
	}

	/* Calls `call` for all unacknowledged results, the open one included. */
	template <class F> void for_each(F call)
	{
		for (Result &result : sent_)
			call(result);
		for (Result &result : closed_)
			call(result);
		call(open_);
	}

  private:
	void arm()
	{
		if (!timer_.armed() && sent_.size() < kMaxUnacknowledged)
			timer_.arm(kMaxAge);
	}
	void close_open()
	{
		timer_.cancel();
		if (open_.empty())
			return;
		closed_.push_back(std::move(open_));
		open_ = {};
	}
	void pump()
	{
		while (!closed_.empty() && sent_.size() < kMaxUnacknowledged) {
			sent_.push_back(std::move(closed_.front()));
			closed_.pop_front();
			send_(first_sent_ + sent_.size() - 1, sent_.back());
		}
	}

	Send send_;
	Committed committed_;
	Timer timer_;
	Result open_;
	std::deque<Result> closed_; // results that wait for credit
	std::deque<Result> sent_;
	uint64_t first_sent_ = 1; // number of sent_.front()
};

} // namespace net
