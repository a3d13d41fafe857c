/*
 * The job that is being worked on: the request, the encryption of the answer, and the events of the
 * answer. This code knows no relays and no tables.
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
	/* `relay_url`: the relay that sent the request. */
	Work(const nostr::Signer &signer, nostr::Event request, std::string relay_url);

	const nostr::Event &request() const { return request_; }
	const nostr::JobEnvelope &envelope() const { return envelope_; }

	/* The tags with the parameters, and the text beside them; nothing if they were encrypted for
	 * somebody else or are not text. */
	struct Inputs
	{
		std::string tags, content;
	};
	std::optional<Inputs> inputs() const;

	/* Both events are signed. */
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
	std::optional<nostr::SharedPoint> point_; // set if the request was encrypted
};
