/*
 * bigbrotr-arrivals ORDER COUNT ARCHIVE AUTHORS DAYS
 *
 * Prints COUNT events with random signatures, one JSON object a line, that are new to an archive of
 * `bigbrotr-fill ARCHIVE AUTHORS DAYS`, in the order in which relays deliver them, 500 from one
 * relay at a time:
 *
 * live       made after the archive's newest event, oldest first
 * backfill   200 relays read their history, newest first, and all are at the same few days
 * scattered  the same, and each relay is at another place of the archive's days
 *
 * There are as many events a day as in the archive.
 */
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "corpus.h"

namespace {

constexpr int64_t kDay = 86400;
constexpr int64_t kPage = 500, kRelays = 200; // events, relays

struct Archive
{
	int64_t events, seconds;
	/* In so much time so many events are made. */
	int64_t time_of(int64_t count) const
	{
		return static_cast<int64_t>(static_cast<double>(count) * static_cast<double>(seconds) /
									static_cast<double>(events));
	}
};

/* created_at of the n-th event that arrives. */
int64_t
created_at(std::string_view order, const Archive &archive, int64_t n)
{
	if (order == "live")
		return CorpusGenerator::kBaseTime + 1 + archive.time_of(n);
	int64_t relay = n / kPage % kRelays;
	if (order == "backfill")
		return CorpusGenerator::kBaseTime - archive.seconds / 4 - archive.time_of(n) -
			   relay * kDay / kRelays;
	/* Steps of the golden ratio, so that neighbours in time do not follow each other. */
	int64_t place = archive.seconds / kRelays * (relay * 123 % kRelays + 1) - 1;
	int64_t read = n / kPage / kRelays * kPage + n % kPage; // of this relay
	return CorpusGenerator::kBaseTime - archive.seconds + place - archive.time_of(read);
}

} // namespace

int
main(int argc, char **argv)
{
	std::string_view order = argc == 6 ? argv[1] : "";
	int64_t count = argc == 6 ? atoll(argv[2]) : 0;
	Archive archive = {.events = argc == 6 ? atoll(argv[3]) : 0,
					   .seconds = argc == 6 ? atoll(argv[5]) * kDay : 0};
	int authors = argc == 6 ? atoi(argv[4]) : 0;
	if ((order != "live" && order != "backfill" && order != "scattered") || count <= 0 ||
		archive.events <= 0 || archive.seconds <= 0 || authors <= 0) {
		fputs("usage: bigbrotr-arrivals live|backfill|scattered COUNT ARCHIVE AUTHORS DAYS\n",
			  stderr);
		return 2;
	}
	CorpusGenerator generator(1, authors, count, CorpusGenerator::Signatures::Random);
	generator.random().next(); // the archive's events are another sequence
	for (int64_t i = 0; i < count; i++) {
		std::string line =
			corpus::to_line(generator.next_at(created_at(order, archive, i)), false) + '\n';
		fwrite(line.data(), 1, line.size(), stdout);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
