#include "elements.h"

#include <algorithm>

namespace nostr {

namespace {

/* Whether the byte continues a character of several bytes. */
bool
is_continuation(char c)
{
	return (c & 0xc0) == 0x80;
}

/* Cuts the text to at most `max` bytes, at the boundary of a character. */
void
cut_text(std::string &text, size_t max)
{
	if (text.size() <= max)
		return;
	size_t end = max;
	while (end > 0 && is_continuation(text[end]))
		end--;
	text.resize(end);
}

} // namespace

bool
Elements::read_string(std::string &out, size_t max)
{
	json::String text;
	if (!next() || cursor_.string(text) != Reject::None)
		return false;
	out.clear();
	json::append_unescaped(text, out, max);
	return true;
}

bool
Elements::read_subscription(std::string &out)
{
	constexpr size_t max_bytes = 4 * kSubscriptionChars;
	if (!read_string(out, max_bytes + 1) || out.empty() || out.size() > max_bytes)
		return false;
	size_t continuations = std::count_if(out.begin(), out.end(), is_continuation);
	return out.size() - continuations <= kSubscriptionChars;
}

bool
Elements::read_text(std::string &out)
{
	out.clear();
	if (cursor_.peek() != ',')
		return true;
	if (!read_string(out, kTextBytes + 1))
		return false;
	cut_text(out, kTextBytes);
	return true;
}

bool
Elements::read_hex_bytes(std::string &out)
{
	return read_string(out) && !out.empty() && out.size() % 2 == 0 &&
		   out.find_first_not_of("0123456789abcdefABCDEF") == out.npos;
}

bool
Elements::finish()
{
	while (next())
		if (!skip())
			return false;
	return cursor_.take(']') && cursor_.at_end();
}

Reject
Elements::read_event_and_finish(std::string &scratch, Event &event)
{
	if (!next())
		return fault();
	Reject reason = read_event(cursor_, limits_, limits_.depth - 1, scratch, event);
	if (reason != Reject::None)
		return reason;
	return finish() ? Reject::None : fault();
}

Reject
Elements::fault() const
{
	json::Cursor cursor(frame_);
	Reject reason = cursor.skip(limits_.depth);
	if (reason != Reject::None)
		return reason;
	return cursor.at_end() ? Reject::BadMessage : Reject::BadJson;
}

} // namespace nostr
