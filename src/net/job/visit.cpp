#include "net/job/visit.h"

#include <cmath>

namespace net {

static wire::Certificate
message_of(const CertificateFacts &facts)
{
	wire::Certificate out{.issuer = facts.issuer,
						  .subject = facts.subject,
						  .not_before = facts.not_before,
						  .not_after = facts.not_after,
						  .fingerprint = &facts.fingerprint,
						  .protocol = facts.protocol,
						  .valid = facts.fault.empty(),
						  .fault = facts.fault};
	for (const std::string &name : facts.names)
		out.names.push_back({name});
	return out;
}

static_assert(GeoIp::kMaxName <= wire::kMaxLocationName);

static wire::LocationReport
message_of(const HostLocation &found)
{
	auto degrees = [](const std::optional<double> &value) {
		return value ? int32_t(std::lround(*value * wire::LocationReport::kDegree))
					 : wire::LocationReport::kUnknown;
	};
	return {.country = found.country,
			.region = found.region,
			.city = found.city,
			.latitude = degrees(found.latitude),
			.longitude = degrees(found.longitude),
			.as_number = found.as_number,
			.as_name = found.as_name};
}

static wire::RelayDocument
message_of(const VisitDocument &document)
{
	const HttpAnswer &answer = document.answer;
	wire::RelayDocument out{.http_status = answer.status,
							.content_type = answer.headers.content_type,
							.cors = answer.headers.allow_origin == "*",
							.size = uint32_t(document.size),
							.final_url = answer.redirects > 0 ? std::string_view(answer.final_url)
															  : std::string_view(),
							.json = document.read.json};
	for (const RelayDescription::Fault &fault : document.read.faults)
		out.faults.push_back({fault.field, fault.fault});
	return out;
}

size_t
VisitRecord::bytes() const
{
	size_t bytes = 4096 + (document ? document->read.json.size() : 0);
	if (certificate) {
		bytes +=
			certificate->issuer.size() + certificate->subject.size() + certificate->fault.size();
		for (const std::string &name : certificate->names)
			bytes += name.size() + 8;
	}
	return bytes;
}

wire::Visited
VisitRecord::message() const
{
	wire::Visited out{.relay_id = relay_id,
					  .attempt = attempt,
					  .started_at = started_at,
					  .verdict = verdict,
					  .cname = name.canonical,
					  .ttl = name.ttl,
					  .address = address,
					  .port = port,
					  .http_status = head.status,
					  .server = head.server,
					  .powered_by = head.powered_by,
					  .limit_ignored = limit_ignored};
	for (size_t i = 0; i < steps.size(); i++)
		out.steps.push_back({.step = wire::Step(i),
							 .outcome = steps[i].outcome,
							 .reason = steps[i].reason,
							 .detail = steps[i].detail,
							 .microseconds = steps[i].microseconds});
	for (const std::string &one : name.addresses)
		if (out.addresses.size() < wire::kMaxProbeAddresses)
			out.addresses.push_back({one});
	if (location)
		out.location.push_back(message_of(*location));
	if (certificate)
		out.certificate.push_back(message_of(*certificate));
	if (document)
		out.document.push_back(message_of(*document));
	return out;
}

} // namespace net
