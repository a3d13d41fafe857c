#include "net/transport/inflater.h"

#include <algorithm>
#include <new>

namespace net {

Inflater::Inflater()
{
	constexpr int gzip_only = 16;
	if (inflateInit2(&stream_, MAX_WBITS + gzip_only) != Z_OK)
		throw std::bad_alloc();
}

Inflater::Result
Inflater::inflate(std::string_view piece, std::string &out, size_t most)
{
	constexpr size_t step = 16 << 10;
	stream_.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(piece.data()));
	stream_.avail_in = uInt(piece.size());
	/* Bytes after the end of the data are ignored. */
	while (!finished_) {
		const size_t before = out.size();
		/* One byte more than the limit shows that the data exceed it. */
		const size_t room = std::min(step, most - std::min(before, most) + 1);
		out.resize(before + room);
		stream_.next_out = reinterpret_cast<Bytef *>(out.data() + before);
		stream_.avail_out = uInt(room);
		const int result = ::inflate(&stream_, Z_NO_FLUSH);
		out.resize(before + room - stream_.avail_out);
		if (out.size() > most) {
			out.resize(most);
			return Result::TooLarge;
		}
		finished_ = result == Z_STREAM_END;
		if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
			return Result::Malformed;
		if (stream_.avail_out > 0) // all input is used
			break;
	}
	return Result::Good;
}

} // namespace net
