/*
 * bigbrotr-feed CONNECTION WAY STEP RELAY BATCH FILE
 *
 * Feeds the events of FILE (JSON, one a line) to a server through one libpq connection, pipelined,
 * and prints {"events": …, "seconds": …}. Each batch is one transaction.
 *
 * WAY   original: one prepared insert_event() (see baseline/original.sql) for each event;
 *       archive: one _bigbrotr.insert_verified_events() for each batch
 * STEP  what is done inside the clock: insert: only that; verify: parse, check id and signature,
 *       insert; new (archive only): parse, check the id, send the sightings, by whose answer
 *       signatures are checked and events inserted that are not known; sightings (archive only):
 *       send the sightings of events that are all known; encoded (archive only): insert, with
 *       arguments that were made before the clock started, as the files that COPY reads
 */
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

#include "nostr/event.h"
#include "nostr/keys.h"
#include "pipeline.h"

namespace {

constexpr int64_t kNow = 1770000000; // Unix seconds
constexpr size_t kInFlight = 2;      // batches that the server may be behind

constexpr unsigned kBytea = 17, kBigint = 20, kInteger = 23, kText = 25; // types, by oid

template <size_t N>
std::string_view
bytes_of(const std::array<uint8_t, N> &value)
{
	return {reinterpret_cast<const char *>(value.data()), N};
}

struct Batch
{
	std::vector<nostr::Event> events;
	std::string known; // for each event t or f; empty: all are new
};

class Reader
{
  public:
	Reader(const char *file, size_t batch) : batch_(batch)
	{
		std::ifstream in(file);
		for (std::string line; std::getline(in, line);)
			lines_.push_back(line);
		if (lines_.empty())
			fail(std::string("nothing in ") + file);
	}

	size_t events() const { return lines_.size(); }

	/* False at the end. */
	bool next(Batch &batch)
	{
		batch.events.resize(std::min(batch_, lines_.size() - next_));
		batch.known.clear();
		for (nostr::Event &event : batch.events)
			if (parser_.parse(lines_[next_++], event) != nostr::Reject::None)
				fail("not an event in line " + std::to_string(next_));
		return !batch.events.empty();
	}

  private:
	size_t batch_;
	size_t next_ = 0;
	std::vector<std::string> lines_;
	nostr::EventParser parser_;
};

class Feeder
{
  public:
	Feeder(Connection &connection, bool to_archive, std::string relay)
		: connection_(connection), to_archive_(to_archive), relay_(std::move(relay))
	{
		if (to_archive) {
			std::string id = connection.single_value("SELECT bigbrotr.add_relay('" + relay_ + "')");
			relay_id_ = std::stoul(id);
			connection.prepare("insert",
							   "SELECT events FROM _bigbrotr.insert_verified_events($1, $2, $3, "
							   "$4, $5, $6, $7, $8, $9, $10, $11, $12)");
			connection.prepare("sightings",
							   "SELECT known FROM _bigbrotr.insert_sightings($1, $2, $3)");
		} else
			connection.prepare("insert",
							   "SELECT insert_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
		connection.start_pipeline();
	}

	/* known() has the answer. */
	void ask(const Batch &batch) { send_sightings(batch, Sent::Question); }

	/* All events are known. */
	void insert_sightings(const Batch &batch)
	{
		send_sightings(batch, Sent::Sightings);
		finish_some();
	}

	/* Of the oldest batch asked about: for each event t or f. */
	std::string known()
	{
		while (in_flight_.front() != Sent::Question)
			finish_one();
		in_flight_.pop_front();
		return answer();
	}

	void verify(const Batch &batch)
	{
		for (size_t i = 0; i < batch.events.size(); i++) {
			const nostr::Event &e = batch.events[i];
			if (is_new(batch, i) && !verifier_.verify(e.id, e.pubkey, e.sig))
				fail("a signature is wrong");
		}
	}

	void insert(const Batch &batch)
	{
		if (to_archive_)
			return insert(encode(batch));
		insert_originally(batch);
		end_insertion();
	}

	/* What insert_verified_events() takes before its last argument, the time. */
	using Arguments = std::array<Array, 10>;

	/* Those that are new, with their sightings. */
	Arguments encode(const Batch &batch) const
	{
		size_t count = 0, tags_bytes = 0, content_bytes = 0;
		for (size_t i = 0; i < batch.events.size(); i++)
			if (is_new(batch, i)) {
				count++;
				tags_bytes += batch.events[i].tags.size();
				content_bytes += batch.events[i].content.size();
			}
		Arguments arrays = {Array{kBytea, count, count * 32},  Array{kBytea, count, count * 32},
							Array{kBigint, count, count * 8},  Array{kInteger, count, count * 4},
							Array{kText, count, tags_bytes},   Array{kText, count, content_bytes},
							Array{kBytea, count, count * 64},  Array{kBytea, count, 0},
							Array{kInteger, count, count * 4}, Array{kBigint, count, count * 8}};
		auto &[ids, pubkeys, created_ats, kinds, tags, contents, sigs, raws, relays, seen_ats] =
			arrays;
		for (size_t i = 0; i < batch.events.size(); i++) {
			if (!is_new(batch, i))
				continue;
			const nostr::Event &e = batch.events[i];
			ids.add(bytes_of(e.id));
			pubkeys.add(bytes_of(e.pubkey));
			created_ats.add_integer(static_cast<uint64_t>(e.created_at), 8);
			kinds.add_integer(static_cast<uint64_t>(e.kind), 4);
			tags.add(e.tags);
			contents.add(e.content);
			sigs.add(bytes_of(e.sig));
			raws.add_null();
			relays.add_integer(relay_id_, 4);
			seen_ats.add_integer(kNow, 8);
		}
		return arrays;
	}

	void insert(const Arguments &arrays)
	{
		std::string now = big_endian(kNow, 8);
		std::vector<std::string_view> arguments;
		for (const Array &array : arrays)
			arguments.push_back(array.binary());
		arguments.insert(arguments.end() - 2, arguments.front()); // the ids that were seen
		arguments.push_back(now);
		connection_.send("insert", arguments);
		end_insertion();
	}

	void finish()
	{
		while (!in_flight_.empty())
			finish_one();
	}

  private:
	static bool is_new(const Batch &batch, size_t i)
	{
		return batch.known.empty() || batch.known[i] == 'f';
	}

	enum class Sent
	{
		Events,
		Question,
		Sightings
	};

	void send_sightings(const Batch &batch, Sent what)
	{
		size_t count = batch.events.size();
		Array ids(kBytea, count, count * 32), relays(kInteger, count, count * 4),
			seen_ats(kBigint, count, count * 8);
		for (const nostr::Event &event : batch.events) {
			ids.add(bytes_of(event.id));
			relays.add_integer(relay_id_, 4);
			seen_ats.add_integer(kNow, 8);
		}
		connection_.send("sightings", {ids.binary(), relays.binary(), seen_ats.binary()});
		connection_.end_transaction();
		in_flight_.push_back(what);
	}

	void end_insertion()
	{
		connection_.end_transaction();
		in_flight_.push_back(Sent::Events);
		finish_some();
	}

	std::string answer()
	{
		std::string known;
		for (char c : connection_.finish_transaction()) // {t,f,…}
			if (c == 't' || c == 'f')
				known += c;
		return known;
	}

	void finish_one()
	{
		if (in_flight_.front() == Sent::Events)
			connection_.finish_transaction();
		else if (answer().find('f') != std::string::npos)
			fail("an event is not known");
		in_flight_.pop_front();
	}

	void finish_some()
	{
		while (in_flight_.size() > kInFlight && in_flight_.front() != Sent::Question)
			finish_one();
	}

	void insert_originally(const Batch &batch)
	{
		std::string now = big_endian(kNow, 8);
		for (const nostr::Event &e : batch.events) {
			std::string created_at = big_endian(static_cast<uint64_t>(e.created_at), 8);
			std::string kind = big_endian(static_cast<uint64_t>(e.kind), 4);
			std::string tags = '\1' + e.tags;
			connection_.send("insert", {bytes_of(e.id), bytes_of(e.pubkey), created_at, kind, tags,
										e.content, bytes_of(e.sig), relay_, "clearnet", now, now});
		}
	}

	Connection &connection_;
	bool to_archive_;
	std::string relay_;
	uint64_t relay_id_ = 0;
	nostr::Verifier verifier_;
	std::deque<Sent> in_flight_; // transactions
};

/* The server takes the sightings of one batch while we parse the next. */
void
feed_new(Reader &reader, Feeder &feeder)
{
	Batch batch, next;
	bool more = reader.next(batch);
	feeder.ask(batch);
	while (more) {
		more = reader.next(next);
		if (more)
			feeder.ask(next);
		batch.known = feeder.known();
		if (batch.known.find('f') != batch.known.npos) {
			feeder.verify(batch);
			feeder.insert(batch);
		}
		std::swap(batch, next);
	}
}

} // namespace

int
main(int argc, char **argv)
{
	std::string_view way = argc == 7 ? argv[2] : "", step = argc == 7 ? argv[3] : "";
	bool to_archive = way == "archive";
	bool for_both = step == "insert" || step == "verify";
	bool for_archive = step == "new" || step == "sightings" || step == "encoded";
	if ((!to_archive && way != "original") || !(for_both || (to_archive && for_archive))) {
		fputs("usage: bigbrotr-feed CONNECTION original insert|verify RELAY BATCH FILE\n"
			  "       bigbrotr-feed CONNECTION archive insert|verify|new|sightings|encoded RELAY "
			  "BATCH FILE\n",
			  stderr);
		return 2;
	}
	Connection connection(argv[1]);
	Feeder feeder(connection, to_archive, argv[4]);
	Reader reader(argv[6], std::stoul(argv[5]));
	std::vector<Batch> ready;
	std::vector<Feeder::Arguments> encoded;
	if (step == "insert" || step == "sightings")
		for (Batch batch; reader.next(batch);)
			ready.push_back(std::move(batch));
	if (step == "encoded")
		for (Batch batch; reader.next(batch);)
			encoded.push_back(feeder.encode(batch));

	using Clock = std::chrono::steady_clock;
	auto begin = Clock::now();
	if (step == "insert")
		for (const Batch &batch : ready)
			feeder.insert(batch);
	else if (step == "sightings")
		for (const Batch &batch : ready)
			feeder.insert_sightings(batch);
	else if (step == "encoded")
		for (const Feeder::Arguments &arguments : encoded)
			feeder.insert(arguments);
	else if (step == "verify")
		for (Batch batch; reader.next(batch);) {
			feeder.verify(batch);
			feeder.insert(batch);
		}
	else
		feed_new(reader, feeder);
	feeder.finish();
	double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
	printf("{\"events\": %zu, \"seconds\": %.6f}\n", reader.events(), seconds);
	return 0;
}
