/*
 * Any bytes as a message of negentropy, for both sides, compared with the slow implementation; and
 * two sets made of them, which must be reconciled whatever the frame limits are.
 */
#include "nostr/negentropy.h"

#include <cstdlib>

#include "../tools/slow_negentropy.h"

using namespace nostr::negentropy;

namespace {

/* Few times and first bytes, so that ids share prefixes and sets meet. Half of an id is a hash,
 * since different sets of made-up ids may have the same sum. */
slow_negentropy::Records
records_of(const uint8_t *data, size_t size)
{
	slow_negentropy::Records records;
	for (size_t i = 0; i + 2 < size; i += 3) {
		Record record{.created_at = 1000 + data[i] % 8};
		record.id[data[i] % 3] = data[i + 1];
		record.id[30] = data[i] % 8; // an id has one time
		record.id[31] = data[i + 2];
		nostr::Id digest;
		SHA256(record.id.data(), record.id.size(), digest.data());
		std::copy_n(digest.begin(), 14, record.id.begin() + 16);
		records.insert(record);
	}
	return records;
}

RecordSet
set_of(const slow_negentropy::Records &records)
{
	RecordSet set;
	for (const Record &record : records)
		set.add(record.created_at, record.id);
	set.seal();
	return set;
}

std::set<std::string>
texts(const std::vector<nostr::Id> &ids)
{
	std::set<std::string> texts;
	for (const nostr::Id &id : ids)
		texts.emplace(id.begin(), id.end());
	return texts;
}

void
check(bool holds)
{
	if (!holds)
		abort();
}

void
compare(const slow_negentropy::Records &records, size_t limit, const std::string &message)
{
	RecordSet set = set_of(records);
	std::set<std::string> have, need;
	std::string reply;
	Fault fault = answer(set, limit, message, reply);
	auto expected = slow_negentropy::Side(records, limit).reply(message, false, have, need);
	check((fault == Fault::None) == expected.has_value());
	check(!expected || reply == *expected);

	Client client(set, limit, SIZE_MAX);
	fault = client.read(message, reply);
	expected = slow_negentropy::Side(records, limit).reply(message, true, have, need);
	check((fault == Fault::None) == expected.has_value());
	if (!expected)
		return;
	check(reply == (expected->size() == 1 ? "" : *expected));
	Difference difference = client.take_difference();
	check(texts(difference.have) == have && texts(difference.need) == need);
}

void
reconcile(const slow_negentropy::Records &ours, const slow_negentropy::Records &theirs,
		  size_t our_limit, size_t their_limit)
{
	RecordSet own = set_of(ours), other = set_of(theirs);
	Client client(own, our_limit, SIZE_MAX);
	std::string message = client.first(), reply;
	for (int rounds = 0; !message.empty(); rounds++) {
		check(rounds < 1000);
		check(answer(other, their_limit, message, reply) == Fault::None);
		check(their_limit == 0 || reply.size() <= their_limit);
		check(client.read(reply, message) == Fault::None);
		check(our_limit == 0 || message.size() <= our_limit);
	}
	std::set<std::string> have, need;
	for (const Record &record : ours)
		if (!theirs.contains(record))
			have.insert(slow_negentropy::id_of(record));
	for (const Record &record : theirs)
		if (!ours.contains(record))
			need.insert(slow_negentropy::id_of(record));
	Difference difference = client.take_difference();
	check(texts(difference.have) == have && texts(difference.need) == need);
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4 || size > 4000)
		return 0;
	const size_t limits[] = {0, 4096, 4352, 9000};
	const size_t our_limit = limits[data[0] % 4], their_limit = limits[data[1] % 4];
	const size_t cut = 4 + (data[2] << 8 | data[3]) % (size - 3);
	slow_negentropy::Records records = records_of(data + 4, cut - 4);
	std::string message(reinterpret_cast<const char *>(data + cut), size - cut);
	compare(records, our_limit, message);
	compare(records, our_limit, "\x61" + message);
	reconcile(records, records_of(data + cut, size - cut), our_limit, their_limit);
	return 0;
}
