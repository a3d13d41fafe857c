/* Inflates gzip (RFC 1952) piece by piece, up to a limit. */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <zlib.h>

namespace net {

class Inflater
{
  public:
	Inflater();
	~Inflater() { inflateEnd(&stream_); }
	Inflater(const Inflater &) = delete;

	enum class Result : uint8_t
	{
		Good,
		Malformed,
		TooLarge
	};
	/* Appends to `out`, which never gets longer than `most` bytes. */
	Result inflate(std::string_view piece, std::string &out, size_t most);
	/* Whether data came without their end. */
	bool unfinished() const { return stream_.total_in > 0 && !finished_; }

  private:
	z_stream stream_{};
	bool finished_ = false;
};

} // namespace net
