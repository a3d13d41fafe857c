#include "mail.h"

#include <algorithm>

namespace pg {

constexpr size_t kMostOutlets = 200, kMostWaiting = 200;
constexpr size_t kMostBytes = 4 << 20; // size limit of the events of one connection

void
Mail::send(Letter letter, const std::vector<std::string> &urls)
{
	auto shared = std::make_shared<Letter>(std::move(letter));
	/* One more than the number of relays, until done() below, so that the letter does not end
	 * before all its relays are known. */
	shared->pending = 1;
	for (const std::string &url : urls) {
		auto found = std::find_if(outlets_.begin(), outlets_.end(),
								  [&](const auto &item) { return item.second.url == url; });
		if (found == outlets_.end()) {
			if (outlets_.size() >= kMostOutlets)
				continue;
			found = outlets_.try_emplace(number_++).first;
			found->second.url = url;
		}
		if (found->second.waiting.size() >= kMostWaiting)
			continue;
		found->second.waiting.push_back(shared);
		shared->pending++;
	}
	done(shared);
}

void
Mail::done(const LetterPtr &letter)
{
	if (--letter->pending == 0 && !letter->request.empty())
		delivered_(*letter);
}

void
Mail::turn(Worker &worker)
{
	for (auto &[number, outlet] : outlets_) {
		if (!outlet.sent.empty() || outlet.waiting.empty())
			continue;
		wire::Publish task{
			.relay_id = number, .attempt = ++attempts_, .url = outlet.url, .events = {}};
		size_t bytes = 0;
		while (!outlet.waiting.empty() && task.events.size() < wire::kMaxPublications) {
			LetterPtr &next = outlet.waiting.front();
			bytes += next->text.size();
			if (bytes > kMostBytes && !task.events.empty())
				break;
			task.events.push_back({.id = &next->id, .event = next->text});
			outlet.sent.push_back(std::move(next));
			outlet.waiting.pop_front();
		}
		outlet.attempt = task.attempt;
		outlet.signatures = 0;
		worker.send(task);
	}
}

Mail::Outlet *
Mail::find(int32_t number, uint32_t attempt)
{
	auto found = outlets_.find(number);
	return found != outlets_.end() && !found->second.sent.empty() &&
				   found->second.attempt == attempt
			   ? &found->second
			   : nullptr;
}

void
Mail::take(const wire::Answered &answer)
{
	Outlet *outlet = find(answer.relay_id, answer.attempt);
	if (!outlet)
		return;
	auto sent = std::find_if(outlet->sent.begin(), outlet->sent.end(),
							 [&](const LetterPtr &letter) { return letter->id == *answer.id; });
	if (sent == outlet->sent.end())
		throw NetFault{.reason = "it reported an answer to an event that was not sent"};
	(*sent)->accepted |= answer.accepted;
	if (!answer.accepted)
		(*sent)->fault.assign("refused: ").append(answer.text);
}

void
Mail::take(const wire::ConnectionEnded &end)
{
	Outlet *outlet = find(end.relay_id, end.attempt);
	if (!outlet)
		return;
	const std::vector<LetterPtr> sent = std::move(outlet->sent);
	outlet->sent.clear();
	if (outlet->waiting.empty())
		outlets_.erase(end.relay_id);
	for (const LetterPtr &letter : sent) {
		if (!end.reason.empty())
			letter->fault.assign(end.reason).append(": ").append(end.detail);
		done(letter);
	}
}

const std::string *
Mail::asks_who_writes(int32_t number, uint32_t attempt)
{
	constexpr int kMostSignatures = 3;
	Outlet *outlet = find(number, attempt);
	return outlet && outlet->signatures++ < kMostSignatures ? &outlet->url : nullptr;
}

size_t
Mail::waiting() const
{
	size_t count = 0;
	for (const auto &[number, outlet] : outlets_)
		count += outlet.waiting.size() + outlet.sent.size();
	return count;
}

} // namespace pg
