/* The result of one visit to a relay. */
#pragma once

#include <array>
#include <optional>
#include <string>

#include "net/job/relay_document.h"
#include "net/transport/dialer.h"
#include "net/transport/geo_ip.h"
#include "net/transport/http_fetch.h"
#include "wire/probe.h"

namespace net {

struct VisitDocument
{
	HttpAnswer answer; // its body was moved out
	size_t size = 0;   // size of the body in bytes
	RelayDescription read;
};

struct VisitRecord
{
	struct Step
	{
		wire::Outcome outcome = wire::Outcome::NotRun;
		std::string reason, detail;
		int64_t microseconds = -1;
	};

	int32_t relay_id = 0;
	uint32_t attempt = 0;
	int64_t started_at = 0; // Unix seconds
	wire::Verdict verdict = wire::Verdict::Down;
	std::array<Step, wire::kSteps> steps{};
	NameFacts name;
	std::string address; // empty if a proxy connects to the relay
	uint16_t port = 0;
	std::optional<HostLocation> location; // location of `address`
	std::optional<CertificateFacts> certificate;
	AnswerHead head;
	bool limit_ignored = false;
	std::optional<VisitDocument> document;

	Step &step(wire::Step which) { return steps[size_t(which)]; }
	/* About the size of message(). */
	size_t bytes() const;
	/* The message points into this record. */
	wire::Visited message() const;
};

} // namespace net
