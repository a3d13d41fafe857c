#include "workers/monitor/facts.h"

#include <algorithm>
#include <cstdio>

#include "nostr/event.h"
#include "nostr/geohash.h"

namespace {

/* A cell of about 5 km, because location files are not more exact. */
constexpr size_t kGeohashLength = 5;

/* Writes one JSON value after another. The caller makes sure that the values form an object. */
class Json
{
  public:
	Json &open(char bracket)
	{
		separate();
		text_ += bracket;
		first_ = true;
		return *this;
	}
	Json &close(char bracket)
	{
		text_ += bracket;
		first_ = false;
		return *this;
	}
	Json &key(std::string_view name)
	{
		separate();
		nostr::append_json_string(name, text_);
		text_ += ':';
		first_ = true;
		return *this;
	}
	Json &value(std::string_view text)
	{
		separate();
		nostr::append_json_string(text, text_);
		return *this;
	}
	Json &value(int64_t number)
	{
		separate();
		text_ += std::to_string(number);
		return *this;
	}
	/* Writes the number with four decimals. */
	Json &number(double number)
	{
		char digits[32];
		snprintf(digits, sizeof digits, "%.4f", number);
		separate();
		text_ += digits;
		return *this;
	}
	Json &flag(bool holds)
	{
		separate();
		text_ += holds ? "true" : "false";
		return *this;
	}
	/* Writes nothing if the text is empty. */
	Json &text(std::string_view name, std::string_view text)
	{
		return text.empty() ? *this : key(name).value(text);
	}
	std::string take() { return std::move(text_); }

  private:
	void separate()
	{
		if (!first_)
			text_ += ',';
		first_ = false;
	}

	std::string text_;
	bool first_ = true;
};

std::string
hex(const std::array<uint8_t, 32> &bytes)
{
	constexpr std::string_view digits = "0123456789abcdef";
	std::string text;
	for (uint8_t byte : bytes) {
		text += digits[byte >> 4];
		text += digits[byte & 15];
	}
	return text;
}

void
add_certificate(Json &json, const wire::Certificate &certificate)
{
	json.key("tls").open('{').key("valid").flag(certificate.valid);
	json.text("fault", certificate.fault);
	json.text("issuer", certificate.issuer).text("subject", certificate.subject);
	json.key("names").open('[');
	for (const wire::SubjectName &name : certificate.names)
		json.value(name.text);
	json.close(']');
	json.key("not_before").value(certificate.not_before);
	json.key("not_after").value(certificate.not_after);
	json.text("fingerprint", hex(*certificate.fingerprint));
	json.text("protocol", certificate.protocol).close('}');
}

void
add_location(Json &json, const wire::LocationReport &location)
{
	json.key("geo").open('{');
	json.text("country", location.country);
	json.text("region", location.region).text("city", location.city);
	if (location.latitude != wire::LocationReport::kUnknown) {
		const double latitude = double(location.latitude) / wire::LocationReport::kDegree;
		const double longitude = double(location.longitude) / wire::LocationReport::kDegree;
		json.key("latitude").number(latitude).key("longitude").number(longitude);
		json.text("geohash", nostr::geohash(latitude, longitude, kGeohashLength));
	}
	if (location.as_number != 0)
		json.key("as_number").value(location.as_number);
	json.text("as_name", location.as_name).close('}');
}

void
add_document(Json &json, const wire::RelayDocument &document)
{
	json.key("nip11").open('{').key("status").value(document.http_status);
	json.text("content_type", document.content_type).key("cors").flag(document.cors);
	json.text("final_url", document.final_url);
	json.key("faults").open('{');
	for (const wire::DocumentFault &fault : document.faults)
		json.text(fault.field, fault.fault);
	json.close('}').close('}');
}

void
add_write_check(Json &json, const wire::Visited &visited)
{
	using wire::Outcome, wire::Step;
	const wire::StepResult &write = visited.steps[static_cast<size_t>(Step::Write)];
	const wire::StepResult &back = visited.steps[static_cast<size_t>(Step::ReadBack)];
	if (write.outcome == Outcome::NotRun)
		return;
	json.key("write").open('{').key("accepted").flag(write.outcome == Outcome::Ok);
	json.text("reason", write.reason);
	if (back.outcome != Outcome::NotRun)
		json.key("shown").flag(back.outcome == Outcome::Ok);
	json.close('}');
}

/* Whether the step shows if the relay supports a function. A relay that demands authentication, or
 * that limits the rate, does not show this, nor does one that has no reason to send AUTH (NIP-42).
 */
bool
is_shown(const wire::StepResult &step)
{
	return step.outcome != wire::Outcome::NotRun && step.reason != "auth_required" &&
		   step.reason != "restricted" && step.reason != "rate_limited" &&
		   step.reason != "none_sent";
}

} // namespace

std::string
facts_of(const wire::Visited &visited)
{
	Json json;
	json.open('{');
	std::vector<std::string_view> addresses;
	for (const wire::AddressText &address : visited.addresses)
		addresses.push_back(address.text);
	std::sort(addresses.begin(), addresses.end());
	json.key("addresses").open('[');
	for (std::string_view address : addresses)
		json.value(address);
	json.close(']').text("cname", visited.cname);
	if (!visited.location.empty())
		add_location(json, visited.location.front());
	if (!visited.certificate.empty())
		add_certificate(json, visited.certificate.front());
	json.text("server", visited.server).text("powered_by", visited.powered_by);
	if (!visited.document.empty())
		add_document(json, visited.document.front());
	add_write_check(json, visited);
	if (visited.steps[static_cast<size_t>(wire::Step::Read)].outcome != wire::Outcome::NotRun)
		json.key("limit_ignored").flag(visited.limit_ignored);
	json.key("nips").open('{');
	for (const wire::StepResult &step : visited.steps)
		if (int nip = wire::step_nip(step.step); nip != 0 && is_shown(step))
			json.key(std::to_string(nip)).flag(step.outcome == wire::Outcome::Ok);
	json.close('}');
	return json.close('}').take();
}

std::string
story_of(const wire::Visited &visited)
{
	Json json;
	json.open('{').key("steps").open('[');
	for (const wire::StepResult &step : visited.steps) {
		if (step.outcome == wire::Outcome::NotRun && step.reason.empty())
			continue;
		json.open('{').text("step", wire::step_name(step.step));
		if (step.outcome == wire::Outcome::NotRun)
			json.key("run").flag(false);
		json.key("error").value(step.reason);
		json.text("detail", step.detail);
		if (step.microseconds >= 0)
			json.key("ms").value((step.microseconds + 500) / 1000);
		if (step.step == wire::Step::Names && visited.ttl >= 0)
			json.key("ttl").value(visited.ttl);
		if (step.step == wire::Step::Connect && !visited.address.empty())
			json.text("address", visited.address).key("port").value(visited.port);
		if (step.step == wire::Step::Upgrade && visited.http_status > 0)
			json.key("status").value(visited.http_status);
		if (step.step == wire::Step::Document && !visited.document.empty())
			json.key("size").value(visited.document.front().size);
		json.close('}');
	}
	return json.close(']').close('}').take();
}
