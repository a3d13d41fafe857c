#include "tags_jsonb.h"

#include "pg/error.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/jsonb.h"
}

namespace archive {

namespace {

/* Far below jsonb's limits, so that none of them needs a check. */
constexpr size_t kMaxBytes = 64 << 20;

/* The entries of one array, which stand before its elements. */
class Entries
{
  public:
	Entries(char *at, size_t count) : next_(reinterpret_cast<JEntry *>(at) + 1)
	{
		*reinterpret_cast<uint32 *>(at) = static_cast<uint32>(count) | JB_FARRAY;
	}

	/* Every JB_OFFSET_STRIDE-th entry holds where its element ends, the others their length. */
	void add(uint32 type, size_t length)
	{
		total_ += length;
		bool offset = index_++ % JB_OFFSET_STRIDE == 0;
		*next_++ = type | (offset ? JENTRY_HAS_OFF | static_cast<uint32>(total_)
								  : static_cast<uint32>(length));
	}

  private:
	JEntry *next_;
	size_t total_ = 0;
	uint32 index_ = 0;
};

size_t
padded(size_t length)
{
	return INTALIGN(length);
}

} // namespace

bool
TagsWriter::read(std::string_view json)
{
	strings_.clear();
	counts_.clear();
	nostr::json::Cursor cursor(json);
	if (json.size() > kMaxBytes || !cursor.take('['))
		return false;
	if (!cursor.take(']')) {
		do {
			if (!cursor.take('['))
				return false;
			size_t before = strings_.size();
			if (!cursor.take(']')) {
				do {
					nostr::json::String string;
					if (cursor.peek() != '"' || cursor.string(string) != nostr::Reject::None ||
						string.has_nul)
						return false;
					strings_.push_back(string);
				} while (cursor.take(','));
				if (!cursor.take(']'))
					return false;
			}
			counts_.push_back(static_cast<uint32_t>(strings_.size() - before));
		} while (cursor.take(','));
		if (!cursor.take(']'))
			return false;
	}
	return cursor.at_end();
}

Datum
TagsWriter::write(std::string_view json)
{
	if (!read(json))
		return pg::call([&] {
			return DirectFunctionCall1(
				jsonb_in, CStringGetDatum(pnstrdup(json.data(), static_cast<Size>(json.size()))));
		});

	// Unescaped strings are never longer; a tag adds a header, an entry and at most 3 bytes.
	size_t most = VARHDRSZ + sizeof(uint32) + counts_.size() * (2 * sizeof(uint32) + 3) +
				  strings_.size() * sizeof(JEntry) + json.size();
	char *jsonb = pg::call([&] { return static_cast<char *>(palloc0(most)); });
	Entries tags(jsonb + VARHDRSZ, counts_.size());
	char *end = jsonb + VARHDRSZ + sizeof(uint32) + counts_.size() * sizeof(JEntry);
	const nostr::json::String *string = strings_.data();
	for (uint32_t count : counts_) {
		char *begin = end;
		char *head = jsonb + padded(static_cast<size_t>(end - jsonb)); // padding belongs to the tag
		Entries elements(head, count);
		end = head + sizeof(uint32) + count * sizeof(JEntry);
		for (uint32_t i = 0; i < count; i++, string++) {
			std::string_view text = string->raw;
			if (string->escaped) {
				scratch_.clear();
				append_unescaped(*string, scratch_);
				text = scratch_;
			}
			memcpy(end, text.data(), text.size());
			end += text.size();
			elements.add(JENTRY_ISSTRING, text.size());
		}
		tags.add(JENTRY_ISCONTAINER, static_cast<size_t>(end - begin));
	}
	SET_VARSIZE(jsonb, end - jsonb);
	return PointerGetDatum(jsonb);
}

} // namespace archive
