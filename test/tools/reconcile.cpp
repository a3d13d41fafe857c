/*
 * What set reconciliation costs: both sides in one process, no network.
 *
 *     bigbrotr-reconcile RECORDS DIFFERENT recent|scattered
 *
 * Both sides have RECORDS records, over one year; half of DIFFERENT ids are the server's alone,
 * half the client's. They are the newest, or lie anywhere. Prints one line of JSON:
 * {"ms": both sides, sorting included, "round_trips": …, "bytes": in both directions, not as
 * hexadecimal, "client_ms": …, "set_mb": memory of one set, "rss_mb": peak of this process}
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include <sys/resource.h>

#include "nostr/negentropy.h"

using namespace nostr::negentropy;

namespace {

/* Of a client and of strfry. */
constexpr size_t kClientFrame = 60000, kServerFrame = 500000;
constexpr int64_t kYear = 365 * 86400;

double
milliseconds()
{
	auto now = std::chrono::steady_clock::now().time_since_epoch();
	return std::chrono::duration<double, std::milli>(now).count();
}

RecordSet
records(int64_t count, int64_t different, bool recent, bool client)
{
	RecordSet set;
	set.reserve(size_t(count));
	std::mt19937_64 random(7);
	const int64_t common = count - different / 2;
	for (int64_t i = 0; i < common + different; i++) {
		nostr::Id id;
		for (size_t word = 0; word < 4; word++) {
			uint64_t bits = random();
			memcpy(id.data() + 8 * word, &bits, sizeof bits);
		}
		int64_t age = recent && i >= common ? kYear : int64_t(random() % kYear);
		if (i < common || (i % 2 == 0) == client)
			set.add(1700000000 + age + (recent && i >= common ? i - common : 0), id);
	}
	set.seal();
	return set;
}

} // namespace

int
main(int argc, char **argv)
{
	if (argc != 4)
		return fprintf(stderr, "usage: %s RECORDS DIFFERENT recent|scattered\n", argv[0]), 2;
	const int64_t count = atoll(argv[1]), different = atoll(argv[2]);
	const bool recent = strcmp(argv[3], "recent") == 0;
	const double begin = milliseconds();
	RecordSet ours = records(count, different, recent, true);
	const double made = milliseconds();
	RecordSet theirs = records(count, different, recent, false);
	double client_ms = made - begin;
	Client client(ours, kClientFrame, SIZE_MAX);
	std::string message = client.first(), reply;
	int round_trips = 0;
	size_t bytes = 0;
	while (!message.empty()) {
		if (answer(theirs, kServerFrame, message, reply) != Fault::None)
			return 1;
		round_trips++;
		bytes += message.size() + reply.size();
		const double asked = milliseconds();
		if (client.read(reply, message) != Fault::None)
			return 1;
		client_ms += milliseconds() - asked;
	}
	Difference difference = client.take_difference();
	const double end = milliseconds();
	if (int64_t(difference.have.size() + difference.need.size()) != different / 2 * 2)
		return fprintf(stderr, "wrong difference\n"), 1;
	rusage usage{};
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"ms\": %.1f, \"client_ms\": %.1f, \"round_trips\": %d, \"bytes\": %zu, "
		   "\"set_mb\": %.1f, \"rss_mb\": %.1f}\n",
		   end - begin, client_ms, round_trips, bytes, double(ours.memory()) / 1e6,
		   double(usage.ru_maxrss) / 1e3);
	return 0;
}
