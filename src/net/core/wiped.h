/* Memory for secrets, which is overwritten before it is freed. */
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

namespace net {

template <class T> struct WipingAllocator
{
	using value_type = T;

	WipingAllocator() = default;
	template <class Other> WipingAllocator(const WipingAllocator<Other> &) {}

	T *allocate(size_t count) { return std::allocator<T>().allocate(count); }
	void deallocate(T *items, size_t count)
	{
		explicit_bzero(items, count * sizeof(T));
		std::allocator<T>().deallocate(items, count);
	}
	bool operator==(const WipingAllocator &) const = default;
};

using WipedString = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

/* Removes the first bytes of the text and overwrites them in memory. */
inline void
drop_front(WipedString &text, size_t count)
{
	const size_t rest = text.size() - count;
	std::memmove(text.data(), text.data() + count, rest);
	explicit_bzero(text.data() + rest, count);
	text.resize(rest);
}

} // namespace net
