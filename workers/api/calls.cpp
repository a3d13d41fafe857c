#include "workers/api/calls.h"

#include <algorithm>

#include "pg/border/spi.h"
#include "workers/api/settings.h"

using namespace std::chrono_literals;

constexpr size_t kMostWaiting = 500; // calls; further ones are refused, but not of RouteBook::first
constexpr auto kSlow = 1s;           // a call that has run for this time is slow
constexpr auto kGrace = 1s;          // for an executor to notice by itself that its time is over
constexpr auto kNoteTime = 1s;       // time limit of the transaction that notes a job

static pg::Statement note_statement("SELECT j.item::text, j.item ->> 'request_id' "
									"FROM _bigbrotr.post_job($1::json) AS j");

/* ---- messages of the net process ---- */

void
CallQueue::take(pg::Worker &worker, const wire::CallRoute &message)
{
	const RouteBook::Route *route = routes_.find(message.route);
	if (message.number <= last_number_)
		throw pg::NetFault{.reason = "its calls do not ascend"};
	last_number_ = message.number;
	if (!route || route->parameters != message.arguments.size())
		return end_changed(worker, message.number);
	worker.count("calls", 1);
	if (route->notes)
		return note(worker, message);
	if (waiting_.size() >= kMostWaiting && !route->first) {
		worker.count("calls_refused", 1);
		end(worker, message.number, "53000", "the server is busy",
			std::to_string(waiting_.size()) + " requests wait already.",
			"Try again in some seconds.");
		return;
	}
	Call call{.number = message.number,
			  .route = message.route,
			  .cost_limit = message.cost_limit,
			  .deadline = worker.steady_now() + std::chrono::milliseconds(api_settings.timeout_ms)};
	for (const wire::Argument &argument : message.arguments)
		call.arguments.emplace_back(argument.given, argument.value);
	waiting_.insert(route->first ? waiting_.begin() : waiting_.end(), std::move(call));
}

void
CallQueue::take(pg::Worker &, const wire::RowsTaken &message)
{
	auto found = find(message.call);
	if (found == running_.end())
		return; // the end of the call is under way
	Running &running = found->second;
	if (running.pieces == 0)
		throw pg::NetFault{.reason = "it took rows that it was not sent"};
	running.pieces--;
	running.full_since = {};
}

void
CallQueue::take(pg::Worker &worker, const wire::CallCancel &message)
{
	auto waits = std::find_if(waiting_.begin(), waiting_.end(),
							  [&](const Call &call) { return call.number == message.call; });
	if (waits != waiting_.end()) {
		waiting_.erase(waits);
		worker.count("calls_cancelled", 1);
		end(worker, message.call, "57014", "the client has gone", "", "");
	} else if (auto found = find(message.call); found != running_.end()) {
		cancel(found->first, found->second, Running::Fate::Cancelled);
	}
}

CallQueue::RunningCalls::iterator
CallQueue::find(uint64_t number)
{
	return std::find_if(running_.begin(), running_.end(), [&](const auto &item) {
		return item.second.call.number == number && item.second.fate != Running::Fate::Forget;
	});
}

/* ---- the ends of calls ---- */

void
CallQueue::end(pg::Worker &worker, uint64_t number, std::string_view sqlstate,
			   std::string_view message, std::string_view detail, std::string_view hint,
			   int64_t cost)
{
	worker.send(wire::CallEnd{.call = number,
							  .cost = cost,
							  .sqlstate = sqlstate,
							  .message = message,
							  .detail = detail,
							  .hint = hint});
}

/*
 * Runs the call in this worker, in a transaction of a few milliseconds, so that the job is
 * committed before the client hears that it was accepted. The call is charged with the highest cost
 * that the work on the job may have.
 */
void
CallQueue::note(pg::Worker &worker, const wire::CallRoute &message)
{
	std::string rows_frame;
	try {
		worker.transaction("noting a job", {.timeout = kNoteTime}, [&] {
			pg::Rows rows = note_statement.run({pg::value(message.arguments.at(0).value)});
			wire::Rows piece{.call = message.number};
			for (uint64_t i = 0; i < rows.count(); i++)
				piece.rows.push_back({.item = rows.bytes(i, 1), .position = rows.bytes(i, 2)});
			rows_frame = wire::encode(piece);
		});
	} catch (const pg::Error &error) {
		worker.count("calls_failed", 1);
		return end(worker, message.number, unpack_sql_state(error.sqlstate()), error.what(),
				   error.detail(), error.hint());
	}
	worker.send_frame(rows_frame);
	end(worker, message.number, "", "", "", "", api_settings.net.anonymous.cost_limit);
}

/* The net process may have sent the call before it got the new routes. */
void
CallQueue::end_changed(pg::Worker &worker, uint64_t number)
{
	end(worker, number, "55000", "the routes have changed", "", "Send the request again.");
}

void
CallQueue::end_out_of_time(pg::Worker &worker, uint64_t number, int64_t cost)
{
	worker.count("calls_timed_out", 1);
	end(worker, number, "57014", "the answer takes too long",
		"An answer may take " + std::to_string(api_settings.timeout_ms) +
			" ms, with the time in which it is read.",
		"Ask for less: a shorter time, fewer rows, or an index that helps.", cost);
}

/* Later rows of the executor for this call are ignored. */
void
CallQueue::cancel(int place, Running &running, Running::Fate fate)
{
	running.fate = fate;
	pool_.cancel(place);
}

/* ---- answers ---- */

/* Passes on the executor's messages. True: the executor is idle again. */
bool
CallQueue::hear(pg::Worker &worker, int place, Running &running)
{
	using Heard = pg::ExecutorPool::Heard;
	std::string_view frame;
	for (;;) {
		bool passes_on = running.fate == Running::Fate::Tell;
		if (passes_on && running.pieces >= wire::kMaxPieces) {
			if (running.full_since == Clock::time_point{})
				running.full_since = worker.steady_now();
			return false;
		}
		switch (pool_.hear(place, frame)) {
		case Heard::Nothing:
			return false;
		case Heard::Rows:
			if (!passes_on)
				break;
			worker.send_frame(frame);
			running.pieces++;
			running.has_rows = true;
			break;
		case Heard::End:
			worker.count("calls_run", 1);
			worker.count("calls_run_us", std::chrono::duration_cast<std::chrono::microseconds>(
											 worker.steady_now() - running.since)
											 .count());
			take_end(worker, frame, running);
			return true;
		case Heard::Lost:
			if (running.fate != Running::Fate::Forget) {
				worker.count("calls_failed", 1);
				end(worker, running.call.number, "57P01", "the process that answered has ended",
					"An administrator has ended it, or it has failed.", "Send the request again.");
			}
			return true;
		}
	}
}

void
CallQueue::take_end(pg::Worker &worker, std::string_view frame, Running &running)
{
	auto end = wire::Reader::message<wire::CallEnd>(frame.substr(wire::kHead));
	switch (running.fate) {
	case Running::Fate::Tell:
		if (end.sqlstate == "57014")
			return end_out_of_time(worker, end.call, end.cost);
		if (!end.sqlstate.empty())
			worker.count("calls_failed", 1);
		return worker.send_frame(frame);
	case Running::Fate::Repeat:
		return waiting_.push_front(std::move(running.call));
	case Running::Fate::Cancelled:
		worker.count("calls_cancelled", 1);
		return worker.send_frame(frame);
	case Running::Fate::Unread:
		worker.count("calls_unread", 1);
		return this->end(worker, end.call, "53000", "the answer is not read",
						 "Nothing of it was read for a second, and other requests wait.",
						 "Read faster, or ask for fewer rows.", end.cost);
	case Running::Fate::Forget:
		return;
	}
}

/* Ends calls whose time is over. An executor whose client does not read cannot notice this
 * itself. */
void
CallQueue::end_late_calls(pg::Worker &worker)
{
	auto now = worker.steady_now();
	while (!waiting_.empty()) {
		auto late = std::find_if(waiting_.begin(), waiting_.end(),
								 [&](const Call &call) { return call.deadline <= now; });
		if (late == waiting_.end())
			break;
		worker.count("calls_refused", 1);
		end(worker, late->number, "53000", "the server is busy",
			"The request has waited for its turn for too long.", "Try again in some seconds.");
		waiting_.erase(late);
	}
	for (auto &[place, running] : running_)
		if (running.fate != Running::Fate::Forget && running.call.deadline + kGrace <= now) {
			end_out_of_time(worker, running.call.number, 0);
			cancel(place, running, Running::Fate::Forget);
		}
}

/* ---- turns ---- */

/* Number of slow calls that executors are running. */
size_t
CallQueue::slow_calls(Clock::time_point now) const
{
	return static_cast<size_t>(
		std::count_if(running_.begin(), running_.end(), [&](const auto &item) {
			return item.second.call.is_slow || now - item.second.since >= kSlow;
		}));
}

/* Largest number of executors with slow calls: one executor is kept for other calls. */
size_t
CallQueue::places_for_slow() const
{
	return static_cast<size_t>(std::max(pool_.ready() - 1, 1));
}

void
CallQueue::start_calls(pg::Worker &worker)
{
	while (std::optional<int> place = pool_.idle()) {
		bool slow_ones_too = slow_calls(worker.steady_now()) < places_for_slow();
		auto next = std::find_if(waiting_.begin(), waiting_.end(),
								 [&](const Call &call) { return slow_ones_too || !call.is_slow; });
		if (next == waiting_.end())
			return;
		Call call = std::move(*next);
		waiting_.erase(next);
		ask(worker, *place, std::move(call));
	}
}

void
CallQueue::ask(pg::Worker &worker, int place, Call call)
{
	auto now = worker.steady_now();
	auto left = std::chrono::ceil<std::chrono::milliseconds>(call.deadline - now);
	pg::SqlQuestion question{.number = call.number,
							 .timeout_ms = static_cast<int32_t>(std::max<int64_t>(left.count(), 1)),
							 .cost_limit = call.cost_limit,
							 .sql = routes_.find(call.route)->statement};
	for (const auto &[given, value] : call.arguments)
		question.arguments.push_back({.given = given, .value = value});
	pool_.ask(place, question);
	running_[place] = {.call = std::move(call), .since = now};
}

/*
 * Keeps long calls from occupying all executors while others wait. If a call has run for a second
 * and has sent no rows, it is cancelled and waits again; from then on it counts as slow, and slow
 * calls leave one executor to other calls. If the client of a call has read nothing for a second,
 * the call ends. A call can run twice, because the statements only read.
 */
void
CallQueue::make_room(pg::Worker &worker)
{
	auto now = worker.steady_now();
	if (pool_.ready() < 2 || pool_.idle() ||
		std::none_of(waiting_.begin(), waiting_.end(),
					 [](const Call &call) { return !call.is_slow; }))
		return;
	auto is_long = [&](const auto &item) { return now - item.second.since >= kSlow; };
	if (!std::all_of(running_.begin(), running_.end(), is_long))
		return;
	RunningCalls::iterator youngest = running_.end();
	for (auto it = running_.begin(); it != running_.end(); ++it) {
		Running &running = it->second;
		if (running.fate != Running::Fate::Tell)
			return; // an executor is about to become idle
		if (running.full_since != Clock::time_point{} && now - running.full_since >= kSlow) {
			return cancel(it->first, running, Running::Fate::Unread);
		}
		if (!running.has_rows && !running.call.is_slow &&
			(youngest == running_.end() || running.since > youngest->second.since))
			youngest = it;
	}
	if (youngest == running_.end())
		return;
	worker.count("calls_repeated", 1);
	youngest->second.call.is_slow = true;
	cancel(youngest->first, youngest->second, Running::Fate::Repeat);
}

/* The time of the next turn. Answers wake the worker, but events without a message, such as
 * time-outs, do not. */
CallQueue::Clock::time_point
CallQueue::next_turn(pg::Worker &worker) const
{
	Clock::time_point next = pool_.next_deadline();
	for (const Call &call : waiting_)
		next = std::min(next, call.deadline);
	for (const auto &[place, running] : running_)
		if (running.fate != Running::Fate::Forget)
			next = std::min(next, running.call.deadline + kGrace);
	if (!waiting_.empty())
		next = std::min(next, worker.steady_now() + 250ms); // for make_room()
	return next;
}

void
CallQueue::forget_all()
{
	waiting_.clear();
	last_number_ = 0;
	for (auto &[place, running] : running_)
		cancel(place, running, Running::Fate::Forget);
}

void
CallQueue::end_waiting(pg::Worker &worker)
{
	for (const Call &call : waiting_)
		end_changed(worker, call.number);
	waiting_.clear();
	for (auto &[place, running] : running_)
		if (running.fate == Running::Fate::Repeat) {
			end_changed(worker, running.call.number);
			running.fate = Running::Fate::Forget;
		}
}

CallQueue::Clock::time_point
CallQueue::turn(pg::Worker &worker)
{
	pool_.tend(worker, api_settings.executors);
	for (auto it = running_.begin(); it != running_.end();)
		it = hear(worker, it->first, it->second) ? running_.erase(it) : std::next(it);
	end_late_calls(worker);
	start_calls(worker);
	make_room(worker);
	worker.gauge("calls_running", static_cast<int64_t>(running_.size()));
	worker.gauge("calls_waiting", static_cast<int64_t>(waiting_.size()));
	return next_turn(worker);
}
