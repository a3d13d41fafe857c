/*
 * The job that is worked on: what was asked, how its answer is encrypted, and the events that
 * answer it. Knows nothing of relays and tables.
 */
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nostr/encryption.h"
#include "nostr/job_events.h"

class Work
{
  public:
	/* `relay_url`: where the request was heard. */
	Work(const nostr::Signer &signer, nostr::Event request, std::string relay_url);

	const nostr::Event &request() const { return request_; }
	const nostr::JobEnvelope &envelope() const { return envelope_; }

	/* The tags that say what is to be done, and the text beside them; nothing: they were encrypted
	 * for somebody else, or are not text. */
	struct Inputs
	{
		std::string tags, content;
	};
	std::optional<Inputs> inputs() const;

	/* Both signed. */
	nostr::Event result(std::string_view content, int64_t now) const;
	nostr::Event status(const nostr::JobStatus &status, int64_t now) const;

  private:
	std::string sealed(std::string_view text) const;
	nostr::JobRequest heard() const
	{
		return {.event = request_, .envelope = envelope_, .relay_url = relay_url_};
	}

	const nostr::Signer &signer_;
	const nostr::Event request_;
	const std::string relay_url_;
	const nostr::JobEnvelope envelope_;
	std::optional<nostr::SharedPoint> point_; // of an encrypted request
};
