#include "seed_file.h"

#include "pg/border/compat.h"
#include "server_file.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace archive {

namespace {

constexpr int64_t kMaxBytes = 16 << 20;

/* Replaces invalid UTF-8 by U+FFFD, so that only the lines with invalid bytes are refused. */
std::string
valid_utf8(const std::string &bytes)
{
	std::string out;
	out.reserve(bytes.size());
	const auto *next = reinterpret_cast<const unsigned char *>(bytes.data());
	const unsigned char *end = next + bytes.size();
	while (next < end) {
		int length = pg_utf_mblen(next);
		if (*next != 0 && length <= end - next && pg_utf8_islegal(next, length)) {
			out.append(reinterpret_cast<const char *>(next), static_cast<size_t>(length));
			next += length;
		} else {
			out += "\xEF\xBF\xBD";
			next++;
		}
	}
	return out;
}

} // namespace

SeedFile
read_seed_file(const std::string &path)
{
	char share[MAXPGPATH];
	get_share_path(my_exec_path, share);
	std::string file = path.empty() ? std::string(share) + "/bigbrotr/relays.txt" : path;
	SeedFile seeds{path.empty() ? "shipped" : path, {}, {}};
	FilePiece piece = read_piece(file, 0, kMaxBytes);
	if (piece.file_size > kMaxBytes)
		piece.error = EFBIG;
	if (piece.error)
		seeds.problem = "could not read seed file \"" + file + "\": " + strerror(piece.error);
	else
		seeds.text = valid_utf8(piece.bytes);
	return seeds;
}

} // namespace archive
