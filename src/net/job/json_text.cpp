#include "net/job/json_text.h"

#include <charconv>
#include <cstdint>

#include "nostr/ascii.h"

namespace net {

constexpr int kMaxDepth = 64;

namespace {

class Preparer
{
  public:
	explicit Preparer(std::string_view text) : rest_(text) {}

	JsonText run()
	{
		if (rest_.starts_with("\xef\xbb\xbf"))
			rest_.remove_prefix(3);
		out_.text.reserve(rest_.size());
		while (!rest_.empty() && !out_.reason)
			step();
		return std::move(out_);
	}

  private:
	void copy(size_t count)
	{
		out_.text += rest_.substr(0, count);
		rest_.remove_prefix(std::min(count, rest_.size()));
	}

	void step()
	{
		const char c = rest_[0];
		if (in_string_)
			return in_string(c);
		if (c == '-' || nostr::is_digit(c))
			return number();
		if ((c == '[' || c == '{') && ++depth_ > kMaxDepth)
			out_.reason = "too_deep";
		out_.values += c == '[' || c == '{' || c == ',';
		if (c == ']' || c == '}')
			depth_--;
		in_string_ = c == '"';
		copy(1);
	}

	void in_string(char c)
	{
		if (c == '\\' && rest_.starts_with("\\u"))
			return escape();
		if (c == '\\')
			return copy(2);
		in_string_ = c != '"';
		copy(1);
	}

	/* The UTF-16 code unit of the \u escape at this position; -1 if there is no such escape. */
	int32_t unit(size_t position) const
	{
		constexpr size_t size = 6; // \u0000
		uint32_t value = 0;
		std::string_view text = rest_.substr(std::min(position, rest_.size()), size);
		if (text.size() < size || !text.starts_with("\\u") ||
			std::from_chars(text.data() + 2, text.data() + size, value, 16).ptr !=
				text.data() + size)
			return -1;
		return int32_t(value);
	}

	void escape()
	{
		constexpr size_t size = 6;
		auto is_high = [](int32_t unit) { return unit >= 0xd800 && unit < 0xdc00; };
		auto is_low = [](int32_t unit) { return unit >= 0xdc00 && unit < 0xe000; };
		const int32_t first = unit(0);
		if (is_high(first) && is_low(unit(size)))
			return copy(2 * size);
		if (first != 0 && !is_high(first) && !is_low(first))
			return copy(first < 0 ? 2 : size);
		out_.text += "\\ufffd";
		rest_.remove_prefix(size);
	}

	void number()
	{
		const size_t size = std::min(rest_.find_first_not_of("0123456789+-.eE"), rest_.size());
		const std::string_view text = rest_.substr(0, size);
		const char *end = text.data() + size;
		int64_t whole;
		double real;
		const bool is_whole = text.find_first_of(".eE") == text.npos;
		const auto result = is_whole ? std::from_chars(text.data(), end, whole)
									 : std::from_chars(text.data(), end, real);
		const bool beyond = result.ec == std::errc::result_out_of_range && result.ptr == end;
		if (beyond)
			out_.text += '"';
		copy(size);
		if (beyond)
			out_.text += '"';
	}

	std::string_view rest_;
	JsonText out_;
	bool in_string_ = false;
	int depth_ = 0;
};

} // namespace

JsonText
prepare_json(std::string_view text)
{
	return Preparer(text).run();
}

} // namespace net
