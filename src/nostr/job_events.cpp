#include "job_events.h"

#include "json.h"
#include "tag_list.h"

namespace nostr {

namespace {

constexpr const char *kIdentifier = "bigbrotr";
constexpr int64_t kHeartbeatKept = 600; // seconds; a heartbeat comes every 300
constexpr size_t kMaxItem = 2048;       // longest item of a tag that is kept, bytes

/* The first kMaxItems items of one tag. */
std::vector<std::string>
read_tag(json::Cursor &cursor)
{
	constexpr size_t kMaxItems = 20;
	std::vector<std::string> items;
	cursor.take('[');
	do {
		json::String item;
		if (cursor.string(item) != Reject::None)
			return items;
		if (items.size() < kMaxItems)
			json::append_unescaped(item, items.emplace_back(), kMaxItem);
	} while (cursor.take(','));
	cursor.take(']');
	return items;
}

std::string
price_text(int64_t price)
{
	return price > 0 ? std::to_string(price) : "free";
}

/* The request comes first, because clients take the first tag e for the request. */
void
add_customer(TagList &tags, const JobRequest &request)
{
	tags.add({"e", to_hex(view(request.event.id)), request.relay_url});
	tags.add({"p", to_hex(view(request.event.pubkey))});
}

void
add_status(TagList &tags, const JobStatus &status)
{
	tags.add({"status", status.status, status.text});
	if (status.price > 0)
		tags.add_number("amount", status.price);
}

} // namespace

JobEnvelope
job_envelope(std::string_view tags)
{
	JobEnvelope envelope;
	json::Cursor cursor(tags);
	cursor.take('[');
	while (cursor.peek() == '[') {
		const char *begin = cursor.position();
		const std::vector<std::string> items = read_tag(cursor);
		if (items.empty())
			break;
		if (items[0] == "encrypted")
			envelope.encrypted = true;
		else if (items[0] == "relays") {
			for (size_t i = 1;
				 i < items.size() && envelope.relays.size() < JobEnvelope::kMostRelays; i++)
				envelope.relays.push_back(items[i]);
		} else if (items[0] == "i") {
			envelope.inputs += envelope.inputs.empty() ? "" : ",";
			envelope.inputs.append(begin, cursor.position());
		}
		cursor.take(',');
	}
	return envelope;
}

Event
job_result(const JobRequest &request, std::string content, int64_t created_at)
{
	TagList tags;
	tags.add({"request", to_json(request.event)});
	add_customer(tags, request);
	tags.add({"status", "success"});
	if (request.envelope.encrypted)
		tags.add({"encrypted"});
	else
		tags.add_json(request.envelope.inputs);
	tags.add({"alt", "result of a job (NIP-90)"});
	return event_of(request.event.kind + kJobResult, created_at, std::move(tags),
					std::move(content));
}

Event
job_status(const JobRequest &request, const JobStatus &status,
		   const std::optional<std::string> &sealed, int64_t created_at)
{
	TagList tags;
	add_customer(tags, request);
	if (sealed)
		tags.add({"encrypted"});
	else
		add_status(tags, status);
	tags.add({"alt", "status of a job (NIP-90)"});
	return event_of(kJobFeedback, created_at, std::move(tags),
					sealed ? *sealed : std::string(status.text));
}

std::string
job_status_tags(const JobStatus &status)
{
	TagList tags;
	add_status(tags, status);
	return std::move(tags).take();
}

Event
job_announcement(const JobProvider &provider, int64_t created_at)
{
	TagList tags;
	tags.add({"d", kIdentifier});
	for (int32_t kind : provider.kinds)
		tags.add_number("k", kind);
	std::string content = "{\"name\":";
	append_json_string(provider.name, content);
	content += ",\"about\":";
	append_json_string(provider.about, content);
	content += R"(,"encryptionSupported":true,"supportsEncryption":true,"amount":")";
	content += price_text(provider.price);
	content += '"';
	if (!provider.lud16.empty()) {
		content += ",\"lud16\":";
		append_json_string(provider.lud16, content);
	}
	content += R"(,"nip90Params":{"max_results":{"required":false,"values":[]}}})";
	return event_of(kHandler, created_at, std::move(tags), std::move(content));
}

Event
job_heartbeat(int64_t created_at)
{
	TagList tags;
	tags.add({"d", kIdentifier});
	tags.add_number("expiration", created_at + kHeartbeatKept);
	return event_of(kHeartbeat, created_at, std::move(tags), "");
}

} // namespace nostr
