#include "net/job/relay_document.h"

#include <algorithm>
#include <cstdlib>

#include "net/core/json.h"
#include "net/job/json_text.h"
#include "nostr/ascii.h"
#include "wire/probe.h"

namespace net {
namespace {

enum class Type : uint8_t
{
	Text,
	Key,
	Integer,
	Boolean,
	Texts,
	Objects, // an array of objects
	Fees,
	Nips
};

struct Field
{
	const char *name;
	Type type;
};

constexpr Field kFields[] = {{"name", Type::Text},           {"description", Type::Text},
							 {"banner", Type::Text},         {"icon", Type::Text},
							 {"pubkey", Type::Key},          {"self", Type::Key},
							 {"contact", Type::Text},        {"software", Type::Text},
							 {"version", Type::Text},        {"terms_of_service", Type::Text},
							 {"payments_url", Type::Text},   {"posting_policy", Type::Text},
							 {"privacy_policy", Type::Text}, {"relay_countries", Type::Texts},
							 {"language_tags", Type::Texts}, {"tags", Type::Texts},
							 {"attributes", Type::Texts},    {"retention", Type::Objects},
							 {"supported_nips", Type::Nips}};

constexpr Field kLimitations[] = {{"max_message_length", Type::Integer},
								  {"max_subscriptions", Type::Integer},
								  {"max_limit", Type::Integer},
								  {"max_subid_length", Type::Integer},
								  {"max_event_tags", Type::Integer},
								  {"max_content_length", Type::Integer},
								  {"min_pow_difficulty", Type::Integer},
								  {"auth_required", Type::Boolean},
								  {"payment_required", Type::Boolean},
								  {"restricted_writes", Type::Boolean},
								  {"created_at_lower_limit", Type::Integer},
								  {"created_at_upper_limit", Type::Integer},
								  {"default_limit", Type::Integer}};

constexpr Field kFees[] = {
	{"admission", Type::Fees}, {"subscription", Type::Fees}, {"publication", Type::Fees}};

template <class Good>
bool
all_of(const json_t *array, Good good)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!good(json_array_get(array, i)))
			return false;
	return true;
}

bool
is_key(const json_t *value)
{
	std::string_view text(json_string_value(value), json_string_length(value));
	return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/* Whether the entry is a valid fee; absent members are allowed. */
bool
is_fee(const json_t *entry)
{
	auto has = [&](const char *name, auto good) {
		const json_t *value = json_object_get(entry, name);
		return !value || good(value);
	};
	auto is_integer = [](const json_t *value) { return json_is_integer(value); };
	return json_is_object(entry) && has("amount", is_integer) && has("period", is_integer) &&
		   has("unit", [](const json_t *value) { return json_is_string(value); }) &&
		   has("kinds", [&](const json_t *value) {
			   return json_is_array(value) && all_of(value, is_integer);
		   });
}

/* A number in a string is read as a number (_bigbrotr.nip_numbers), and still recorded as a fault.
 */
bool
is_nip(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0 &&
		   json_integer_value(value) <= UINT16_MAX;
}

/* The fault of a value that should have this type; null if the type is right. */
const char *
type_fault(const json_t *value, Type type)
{
	if (json_is_null(value))
		return "null";
	switch (type) {
	case Type::Text:
		return json_is_string(value) ? nullptr : "not_a_string";
	case Type::Key:
		return !json_is_string(value) ? "not_a_string" : is_key(value) ? nullptr : "not_a_key";
	case Type::Integer:
		return json_is_integer(value) ? nullptr : "not_an_integer";
	case Type::Boolean:
		return json_is_boolean(value) ? nullptr : "not_a_boolean";
	case Type::Texts:
	case Type::Objects:
	case Type::Fees:
	case Type::Nips:
		break;
	}
	if (!json_is_array(value))
		return "not_an_array";
	if (type == Type::Texts)
		return all_of(value, [](const json_t *one) { return json_is_string(one); })
				   ? nullptr
				   : "not_a_string";
	if (type == Type::Nips)
		return all_of(value, is_nip) ? nullptr : "not_an_integer";
	return all_of(value,
				  [&](const json_t *one) {
					  return type == Type::Fees ? is_fee(one) : json_is_object(one);
				  })
			   ? nullptr
			   : "not_an_object";
}

class Examination
{
  public:
	Examination(const json_t *document, std::vector<RelayDescription::Fault> &faults)
		: faults_(faults)
	{
		examine(document, kFields, "");
		examine_part(document, "limitation", kLimitations);
		examine_part(document, "fees", kFees);
	}

  private:
	void note(std::string field, const char *fault)
	{
		if (faults_.size() < wire::kMaxDocumentFaults)
			faults_.push_back({std::move(field), fault});
	}

	template <size_t N>
	void examine(const json_t *object, const Field (&fields)[N], const std::string &prefix)
	{
		for (const Field &field : fields)
			if (const json_t *value = json_object_get(object, field.name))
				if (const char *fault = type_fault(value, field.type))
					note(prefix + field.name, fault);
	}

	template <size_t N>
	void examine_part(const json_t *document, const char *name, const Field (&fields)[N])
	{
		const json_t *part = json_object_get(document, name);
		if (!part)
			return;
		if (!json_is_object(part))
			return note(name, json_is_null(part) ? "null" : "not_an_object");
		examine(part, fields, std::string(name) + ".");
	}

	std::vector<RelayDescription::Fault> &faults_;
};

std::string
dump(const json_t *value)
{
	std::unique_ptr<char, decltype(&free)> text(json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS),
												free);
	if (!text)
		throw std::bad_alloc();
	return text.get();
}

} // namespace

RelayDescription
read_relay_document(std::string_view text, size_t most)
{
	RelayDescription out;
	auto refused = [&](const char *reason, std::string detail) {
		out.reason = reason;
		out.detail = std::move(detail);
		return out;
	};
	const size_t start = text.find_first_not_of(" \t\r\n");
	if (start == text.npos)
		return refused("not_json", "nothing at all");
	if (text[start] == '<')
		return refused("web_page", "a web page instead of a document");
	JsonText prepared = prepare_json(text);
	if (prepared.reason)
		return refused(prepared.reason, "too many levels of nesting");
	json_error_t error{};
	Json document(json_loadb(prepared.text.data(), prepared.text.size(), JSON_DECODE_ANY, &error));
	if (!document)
		return refused("not_json",
					   std::string(error.text) + " at byte " + std::to_string(error.position));
	if (!json_is_object(document.get()))
		return refused("not_an_object", "JSON, but no object");
	Examination(document.get(), out.faults);
	out.json = dump(document.get());
	if (out.json.size() > most) {
		out.json.clear();
		return refused("too_large", "more than " + std::to_string(most) + " bytes");
	}
	return out;
}

} // namespace net
