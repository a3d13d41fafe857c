#include "workers/dvm/replies.h"

#include <algorithm>
#include <utility>

#include "nostr/relay_url.h"

Replies::Replies(int32_t first_number, const RelayListener &listener)
	: Mail(first_number,
		   [this](const pg::Letter &letter) {
			   ended_.push_back({.request_id = letter.request,
								 .answer = letter.id,
								 .accepted = letter.accepted});
		   }),
	  listener_(listener)
{
}

void
Replies::forget_all()
{
	Mail::forget_all();
	under_way_.clear();
}

void
Replies::note_sent(pg::Worker &worker)
{
	if (ended_.empty())
		return;
	jobs::note_sent(worker, ended_);
	for (const jobs::Sent &one : ended_) {
		std::erase(under_way_,
				   one.answer); // missing if the net process was replaced meanwhile
		worker.count(one.accepted ? "answers_accepted" : "answers_not_accepted", 1);
	}
	ended_.clear();
}

void
Replies::send_stored(pg::Worker &worker)
{
	for (jobs::Due &one : jobs::to_send(worker)) {
		const nostr::Event answer = jobs::parsed(one.answer);
		if (std::find(under_way_.begin(), under_way_.end(), answer.id) != under_way_.end())
			continue;
		const std::vector<std::string> urls =
			recipients(nostr::job_envelope(jobs::parsed(one.request).tags));
		/* The client that posted the request fetches its answer from the API. */
		if (urls.empty() && one.is_posted) {
			ended_.push_back({.request_id = one.request_id, .answer = answer.id, .accepted = true});
			continue;
		}
		under_way_.push_back(answer.id);
		send({.id = answer.id, .text = std::move(one.answer), .request = one.request_id}, urls);
	}
}

void
Replies::tell(const nostr::Event &event, const nostr::JobEnvelope &envelope)
{
	send({.id = event.id, .text = nostr::to_json(event), .request = {}}, recipients(envelope));
}

std::vector<std::string>
Replies::recipients(const nostr::JobEnvelope &envelope) const
{
	std::vector<std::string> urls = listener_.urls();
	for (const std::string &text : envelope.relays) {
		nostr::RelayUrl url = nostr::normalise_relay_url(text);
		if (url.ok() && std::find(urls.begin(), urls.end(), url.url) == urls.end())
			urls.push_back(std::move(url.url));
	}
	return urls;
}
