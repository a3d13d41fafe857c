/*
 * bigbrotr-corpus [--seed N] [--authors N] [--at SECONDS] COUNT
 *
 * Prints COUNT really signed events, one JSON object a line; see corpus.h. --at: created_at of all
 * of them.
 */
#include "corpus.h"

#include <charconv>
#include <cstdio>
#include <cstring>

namespace {

constexpr char kUsage[] = "usage: bigbrotr-corpus [--seed N] [--authors N] [--at SECONDS] COUNT\n";

bool
read_number(const char *text, int64_t lowest, int64_t highest, int64_t &out)
{
	const char *end = text + strlen(text);
	auto result = std::from_chars(text, end, out);
	return result.ec == std::errc() && result.ptr == end && out >= lowest && out <= highest;
}

} // namespace

int
main(int argc, char **argv)
{
	int64_t seed = 1;
	int64_t authors = 400;
	int64_t count = 0;
	int64_t at = -1;
	bool good = argc > 1;
	for (int i = 1; i < argc && good; i++) {
		bool has_value = i + 2 < argc;
		if (strcmp(argv[i], "--seed") == 0 && has_value)
			good = read_number(argv[++i], 0, INT64_MAX, seed);
		else if (strcmp(argv[i], "--authors") == 0 && has_value)
			good = read_number(argv[++i], 1, 100000, authors);
		else if (strcmp(argv[i], "--at") == 0 && has_value)
			good = read_number(argv[++i], 0, INT64_MAX, at);
		else
			good = i == argc - 1 && read_number(argv[i], 1, 100000000, count);
	}
	if (!good || count == 0) {
		fputs(kUsage, stderr);
		return 2;
	}

	CorpusGenerator generator(seed, static_cast<int>(authors), count);
	for (int64_t i = 0; i < count; i++) {
		nostr::Event event = at < 0 ? generator.next() : generator.next_at(at);
		bool alphabetic = generator.random().chance(0.5);
		std::string line = corpus::to_line(event, alphabetic) + '\n';
		if (fwrite(line.data(), 1, line.size(), stdout) != line.size())
			return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
