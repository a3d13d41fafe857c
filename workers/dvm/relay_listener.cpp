#include "workers/dvm/relay_listener.h"

#include <algorithm>

#include "pg/work/relay_list.h"
#include "workers/dvm/settings.h"

constexpr int64_t kFirstDelay = 10, kLongestDelay = 600; // pause after a failure, seconds

std::vector<std::string>
RelayListener::urls() const
{
	std::vector<std::string> urls;
	for (const Source &source : sources_)
		urls.push_back(source.url);
	return urls;
}

void
RelayListener::read_relays(pg::Worker &worker)
{
	std::vector<std::string> wanted =
		pg::relay_list(worker, "bigbrotr.dvm_relays", dvm_settings.relays);
	if (wanted == urls())
		return;
	stop(worker);
	/* A relay keeps its number until its connection has ended, so the list waits for that. */
	reread_ = std::ranges::any_of(sources_, &Source::open);
	if (reread_)
		return;
	sources_.clear();
	for (std::string &url : wanted)
		sources_.push_back({.url = std::move(url)});
}

void
RelayListener::stop(pg::Worker &worker)
{
	for (size_t i = 0; i < sources_.size(); i++)
		if (sources_[i].open)
			worker.send(wire::StopListening{.relay_id = first_number_ + static_cast<int32_t>(i)});
}

void
RelayListener::listen(pg::Worker &worker, const std::vector<int32_t> &kinds, int64_t since,
					  const nostr::PublicKey *author)
{
	if (reread_)
		return read_relays(worker);
	for (size_t i = 0; i < sources_.size(); i++) {
		Source &source = sources_[i];
		if (source.open || source.next > worker.now())
			continue;
		source.attempt = ++attempts_;
		source.open = true;
		source.signatures = 0;
		wire::Listen task{.relay_id = first_number_ + static_cast<int32_t>(i),
						  .attempt = source.attempt,
						  .url = source.url,
						  .kinds = {},
						  .authors = {},
						  .since = since};
		for (int32_t kind : kinds)
			task.kinds.push_back({kind});
		if (author)
			task.authors.push_back({author});
		worker.send(task);
	}
}

void
RelayListener::forget_connections()
{
	for (Source &source : sources_)
		source.open = false;
}

RelayListener::Source *
RelayListener::find(int32_t number, uint32_t attempt)
{
	const int32_t place = number - first_number_;
	if (place < 0 || place >= static_cast<int32_t>(sources_.size()))
		return nullptr;
	Source &source = sources_[place];
	return source.open && source.attempt == attempt ? &source : nullptr;
}

const std::string *
RelayListener::heard(int32_t number, uint32_t attempt)
{
	Source *source = find(number, attempt);
	if (!source)
		return nullptr;
	source->failures = 0;
	return &source->url;
}

const std::string *
RelayListener::asks_who_listens(int32_t number, uint32_t attempt)
{
	constexpr int kMostSignatures = 3;
	Source *source = find(number, attempt);
	return source && source->signatures++ < kMostSignatures ? &source->url : nullptr;
}

void
RelayListener::take(pg::Worker &worker, const wire::ConnectionEnded &end)
{
	Source *source = find(end.relay_id, end.attempt);
	if (!source)
		return;
	source->open = false;
	if (end.reason.empty())
		return;
	source->failures = std::min(source->failures + 1, 10);
	source->next = worker.now() + std::min(kFirstDelay << (source->failures - 1), kLongestDelay);
	worker.log(wire::LogLevel::Info, source->url + " is not listened to any more: " +
										 std::string(end.reason) + " " + std::string(end.detail));
}
