/*
 * Reads JSON in one pass, strictly (RFC 8259), and builds no tree. The caller moves a cursor over
 * the text, reads the values that it expects, and skips others, which are checked too.
 *
 * The text must be valid UTF-8: callers check a whole frame once.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "event.h"

namespace nostr::json {

/* A string as written, without its quotes. Escapes were checked and not resolved. */
struct String
{
	std::string_view raw;
	bool escaped = false;  // contains at least one escape
	bool canonical = true; // is written as append_json_string() writes it
	bool has_nul = false;  // contains U+0000
};

class Cursor
{
  public:
	explicit Cursor(std::string_view text) : next_(text.data()), end_(text.data() + text.size()) {}

	const char *position() const { return next_; }

	void space()
	{
		while (next_ < end_ &&
			   (*next_ == ' ' || *next_ == '\n' || *next_ == '\r' || *next_ == '\t'))
			next_++;
	}

	/* The next character after white space; '\0' at the end (a raw NUL is not valid JSON either).
	 */
	char peek()
	{
		space();
		return next_ < end_ ? *next_ : '\0';
	}

	/* Skips white space and, if it is next, `c`. */
	bool take(char c)
	{
		space();
		if (next_ >= end_ || *next_ != c)
			return false;
		next_++;
		return true;
	}

	/* True if nothing but white space is left. */
	bool at_end()
	{
		space();
		return next_ == end_;
	}

	/* Reads a string. BadJson also if the value is not a string; BadUtf8 for a lone surrogate. */
	Reject string(String &out);

	/* Reads an integer token (no sign, fraction or exponent) of at most `max`. */
	bool integer(uint64_t max, uint64_t &out);

	/* Reads true or false. */
	bool boolean(bool &out);

	/* Skips any value. `depth`: levels of arrays and objects that the value may have. */
	Reject skip(int depth);

  private:
	Reject escape(String &out);
	bool hex4(unsigned &out);
	bool literal(std::string_view word);
	bool number();

	const char *next_;
	const char *end_;
};

/*
 * Appends the text of `s` with resolved escapes. Stops after `max` to `max` + 3 bytes, possibly
 * within a character.
 */
void append_unescaped(const String &s, std::string &out, size_t max = SIZE_MAX);

/* Appends `s` with quotes in canonical spelling; `scratch` is overwritten. */
void append_canonical(const String &s, std::string &out, std::string &scratch);

/* Whether `s` is the text `word`, in any spelling. */
bool equals(const String &s, std::string_view word);

/* The value next to the text `s` in a table of pairs, else `otherwise`. */
template <class Value, size_t N>
Value
look_up(const String &s, const std::pair<std::string_view, Value> (&table)[N], Value otherwise)
{
	for (const auto &[word, value] : table)
		if (equals(s, word))
			return value;
	return otherwise;
}

} // namespace nostr::json
