#include "event_reader.h"

#include "canonical.h"

#include <simdjson.h>

#include <cstring>

namespace nostr {

namespace {

enum Field : unsigned
{
	kId,
	kPubkey,
	kSig,
	kCreatedAt,
	kKind,
	kTags,
	kContent,
	kFieldCount
};

constexpr unsigned kAllFields = (1u << kFieldCount) - 1;

/* The field with this name; kFieldCount if there is none. */
unsigned
field_of(const json::String &name)
{
	static constexpr std::string_view names[kFieldCount] = {
		"id", "pubkey", "sig", "created_at", "kind", "tags", "content"};
	for (unsigned field = 0; field < kFieldCount; field++)
		if (json::equals(name, names[field]))
			return field;
	return kFieldCount;
}

/* Data that are needed only until the id is checked. */
struct Draft
{
	json::String content;
	bool nul_in_tags = false;
};

/* Reads a string of exactly 2*size hex digits; else returns `fault`. */
Reject
read_hex(json::Cursor &cursor, uint8_t *bytes, size_t size, Reject fault)
{
	if (cursor.peek() != '"')
		return fault;
	json::String text;
	Reject bad = cursor.string(text);
	if (bad != Reject::None)
		return bad;
	if (!text.escaped)
		return from_hex(text.raw, bytes, size) ? Reject::None : fault;
	std::string unescaped;
	json::append_unescaped(text, unescaped, 2 * size + 1);
	return from_hex(unescaped, bytes, size) ? Reject::None : fault;
}

Reject
read_tag(json::Cursor &cursor, std::string &out, std::string &scratch, bool &has_nul)
{
	if (!cursor.take('['))
		return Reject::BadTags;
	out += '[';
	do {
		if (cursor.peek() != '"')
			return Reject::BadTags;
		json::String item;
		Reject fault = cursor.string(item);
		if (fault != Reject::None)
			return fault;
		json::append_canonical(item, out, scratch);
		out += ',';
		has_nul |= item.has_nul;
	} while (cursor.take(','));
	out.back() = ']';
	return cursor.take(']') ? Reject::None : Reject::BadJson;
}

Reject
read_tags(json::Cursor &cursor, size_t max_tags, std::string &out, std::string &scratch,
		  bool &has_nul)
{
	if (!cursor.take('['))
		return Reject::BadTags;
	out.assign(1, '[');
	if (cursor.take(']')) {
		out += ']';
		return Reject::None;
	}
	size_t count = 0;
	do {
		if (++count > max_tags)
			return Reject::TooManyTags;
		Reject fault = read_tag(cursor, out, scratch, has_nul);
		if (fault != Reject::None)
			return fault;
		out += ',';
	} while (cursor.take(','));
	out.back() = ']';
	return cursor.take(']') ? Reject::None : Reject::BadJson;
}

Reject
read_field(unsigned field, json::Cursor &cursor, const Limits &limits, int depth,
		   std::string &scratch, Event &event, Draft &draft)
{
	uint64_t number;
	switch (field) {
	case kId:
		return read_hex(cursor, event.id.data(), event.id.size(), Reject::BadId);
	case kPubkey:
		return read_hex(cursor, event.pubkey.data(), event.pubkey.size(), Reject::BadPubkey);
	case kSig:
		return read_hex(cursor, event.sig.data(), event.sig.size(), Reject::BadSig);
	case kCreatedAt:
		if (!cursor.integer(INT64_MAX, number))
			return Reject::BadCreatedAt;
		event.created_at = static_cast<int64_t>(number);
		return Reject::None;
	case kKind:
		if (!cursor.integer(65535, number))
			return Reject::BadKind;
		event.kind = static_cast<int32_t>(number);
		return Reject::None;
	case kTags:
		return read_tags(cursor, limits.tags, event.tags, scratch, draft.nul_in_tags);
	case kContent:
		if (cursor.peek() != '"')
			return Reject::BadContent;
		return cursor.string(draft.content);
	default:
		return cursor.skip(depth);
	}
}

/* Reads all fields. The content stays escaped. */
Reject
read_object(json::Cursor &cursor, const Limits &limits, int depth, std::string &scratch,
			Event &event, Draft &draft)
{
	if (!cursor.take('{'))
		return Reject::NotAnObject;
	const char *start = cursor.position() - 1;
	auto too_large = [&] {
		return static_cast<size_t>(cursor.position() - start) > limits.event_bytes;
	};

	unsigned seen = 0;
	if (!cursor.take('}')) {
		do {
			json::String name;
			Reject fault = cursor.string(name);
			if (fault != Reject::None)
				return fault;
			if (!cursor.take(':'))
				return Reject::BadJson;
			unsigned field = field_of(name);
			if (field != kFieldCount && (seen & 1u << field) != 0)
				return Reject::DuplicateField;
			seen |= 1u << field;
			fault = read_field(field, cursor, limits, depth - 1, scratch, event, draft);
			if (fault != Reject::None)
				return fault;
			if (too_large())
				return Reject::TooLarge;
		} while (cursor.take(','));
		if (!cursor.take('}'))
			return Reject::BadJson;
	}
	if (too_large())
		return Reject::TooLarge;
	return (seen & kAllFields) == kAllFields ? Reject::None : Reject::MissingField;
}

} // namespace

Reject
read_event(json::Cursor &cursor, const Limits &limits, int depth, std::string &scratch,
		   Event &event)
{
	Draft draft;
	Reject fault = read_object(cursor, limits, depth, scratch, event, draft);
	if (fault != Reject::None)
		return fault;

	event.has_nul = draft.nul_in_tags || draft.content.has_nul;
	event.content.clear();
	json::append_unescaped(draft.content, event.content);

	scratch.clear();
	append_canonical_head(event, scratch);
	if (draft.content.canonical) {
		scratch += '"';
		scratch += draft.content.raw;
		scratch += '"';
	} else {
		append_json_string(event.content, scratch);
	}
	scratch += ']';
	return sha256(scratch) == event.id ? Reject::None : Reject::IdMismatch;
}

Reject
EventParser::parse(std::string_view json, Event &event)
{
	if (json.size() > limits_.event_bytes)
		return Reject::TooLarge;
	if (!simdjson::validate_utf8(json.data(), json.size()))
		return Reject::BadUtf8;
	json::Cursor cursor(json);
	Reject fault = read_event(cursor, limits_, limits_.depth, scratch_, event);
	if (fault == Reject::None && !cursor.at_end())
		return Reject::BadJson;
	return fault;
}

const char *
reject_code(Reject reason)
{
	static constexpr const char *codes[] = {
		"none",          "bad_json",      "bad_utf8",       "too_deep",        "too_large",
		"too_many_tags", "not_an_object", "missing_field",  "duplicate_field", "bad_id",
		"bad_pubkey",    "bad_sig",       "bad_created_at", "bad_kind",        "bad_tags",
		"bad_content",   "id_mismatch",   "bad_signature",  "bad_message"};
	static_assert(std::size(codes) == static_cast<size_t>(Reject::BadMessage) + 1);
	return codes[static_cast<size_t>(reason)];
}

} // namespace nostr
