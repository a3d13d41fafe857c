/*
 * bigbrotr-fill COUNT AUTHORS [DAYS]
 *
 * Prints COUNT events with random signatures as COPY … FROM (FORMAT binary) reads them, columns
 * event_id, pubkey, created_at, kind, tags, content, sig, inserted_at: to fill tables fast. DAYS:
 * over how many days created_at is spread.
 */
#include <cstdio>
#include <cstdlib>
#include <string>

#include "corpus.h"

namespace {

constexpr int64_t kNow = 1770000000; // Unix seconds
constexpr int64_t kDay = 86400;

void
put_number(std::string &out, uint64_t value, size_t size)
{
	for (size_t i = size; i-- > 0;)
		out += static_cast<char>(value >> 8 * i);
}

void
put_integer(std::string &out, uint64_t value, size_t size)
{
	put_number(out, size, 4);
	put_number(out, value, size);
}

void
put_bytes(std::string &out, const void *bytes, size_t size)
{
	put_number(out, size, 4);
	out.append(static_cast<const char *>(bytes), size);
}

void
put_event(std::string &out, const nostr::Event &event)
{
	put_number(out, 8, 2); // columns
	put_bytes(out, event.id.data(), event.id.size());
	put_bytes(out, event.pubkey.data(), event.pubkey.size());
	put_integer(out, static_cast<uint64_t>(event.created_at), 8);
	put_integer(out, static_cast<uint64_t>(event.kind), 4);
	std::string tags = '\1' + event.tags; // version of jsonb's format
	put_bytes(out, tags.data(), tags.size());
	put_bytes(out, event.content.data(), event.content.size());
	put_bytes(out, event.sig.data(), event.sig.size());
	put_integer(out, kNow, 8);
}

} // namespace

int
main(int argc, char **argv)
{
	bool good = argc == 3 || argc == 4;
	int64_t count = good ? atoll(argv[1]) : 0;
	int authors = good ? atoi(argv[2]) : 0;
	int64_t days = argc == 4 ? atoll(argv[3]) : 0;
	if (count <= 0 || authors <= 0 || (argc == 4 && days <= 0)) {
		fputs("usage: bigbrotr-fill COUNT AUTHORS [DAYS]\n", stderr);
		return 2;
	}
	CorpusGenerator generator(1, authors, count, CorpusGenerator::Signatures::Random);
	double step = static_cast<double>(days * kDay) / static_cast<double>(count);
	std::string out("PGCOPY\n\377\r\n\0", 11);
	put_number(out, 0, 8); // flags, length of the header's extension
	for (int64_t i = 0; i < count; i++) {
		int64_t back = days * kDay - static_cast<int64_t>(static_cast<double>(i) * step);
		put_event(out, days > 0 ? generator.next_at(CorpusGenerator::kBaseTime - back)
								: generator.next());
		if (out.size() > 1 << 16) {
			fwrite(out.data(), 1, out.size(), stdout);
			out.clear();
		}
	}
	put_number(out, 0xffff, 2); // the end
	fwrite(out.data(), 1, out.size(), stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}
