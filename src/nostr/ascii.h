/* Characters of ASCII, independent of the locale. */
#pragma once

#include <string>

namespace nostr {

inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

inline bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

inline bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

inline bool
is_letter(char c)
{
	return is_lower(c) || is_upper(c);
}

inline bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

inline char
to_lower(char c)
{
	return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

inline void
ascii_lower(std::string &text)
{
	for (char &c : text)
		c = to_lower(c);
}

/* The text with "?" for each character that is not printable. */
inline std::string
printable(std::string_view text)
{
	std::string out(text);
	for (char &c : out)
		if (!is_printable(c))
			c = '?';
	return out;
}

/* The value of a hex digit in either case; -1 for other characters. */
inline int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

} // namespace nostr
