/* Tags and events that our own code makes. Texts must be valid UTF-8 without U+0000. */
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "event.h"

namespace nostr {

/* The tags of an event, as canonical JSON. */
class TagList
{
  public:
	void add(std::initializer_list<std::string_view> items)
	{
		text_ += text_.size() > 1 ? ",[" : "[";
		const char *comma = "";
		for (std::string_view item : items) {
			text_ += comma;
			append_json_string(item, text_);
			comma = ",";
		}
		text_ += ']';
	}
	/* Adds whole tags, given as a JSON list without brackets; empty: none. */
	void add_json(std::string_view tags)
	{
		if (!tags.empty())
			text_.append(text_.size() > 1 ? "," : "").append(tags);
	}
	void add_number(std::string_view name, std::optional<int64_t> number)
	{
		if (number)
			add({name, std::to_string(*number)});
	}
	void add_text(std::string_view name, std::string_view text)
	{
		if (!text.empty())
			add({name, text});
	}
	std::string take() && { return std::move(text_) + "]"; }

  private:
	std::string text_ = "[";
};

/* An event without pubkey, id and signature. */
inline Event
event_of(int32_t kind, int64_t created_at, TagList tags, std::string content)
{
	Event event;
	event.kind = kind;
	event.created_at = created_at;
	event.tags = std::move(tags).take();
	event.content = std::move(content);
	return event;
}

} // namespace nostr
