/*
 * bigbrotr-feed CONNECTION WAY STEP RELAY BATCH FILE
 *
 * Feeds the events of FILE (JSON, one a line) to a server through one libpq connection, pipelined,
 * and prints {"events": …, "seconds": …}. Each batch is one transaction.
 *
 * WAY   original: one prepared insert_event() (see baseline/original.sql) for each event;
 *       archive: one bigbrotr.insert_events() for each batch
 * STEP  what is done inside the clock before a batch is sent: insert: nothing; verify: parse, check
 *       id and signature; new (archive only): parse, check the id, look it up, and check the
 *       signature only if it is not known; of known events only the sighting is sent
 */
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "nostr/event.h"
#include "nostr/keys.h"

namespace {

constexpr int64_t kNow = 1770000000; // Unix seconds
constexpr size_t kInFlight = 2;      // batches that the server may be behind

constexpr unsigned kBytea = 17, kBigint = 20, kInteger = 23, kText = 25; // types, by oid

[[noreturn]] void
fail(const std::string &what)
{
	fprintf(stderr, "bigbrotr-feed: %s\n", what.c_str());
	exit(1);
}

std::string
big_endian(uint64_t value, size_t size)
{
	std::string out;
	for (size_t i = size; i-- > 0;)
		out += static_cast<char>(value >> 8 * i);
	return out;
}

template <size_t N>
std::string
bytes_of(const std::array<uint8_t, N> &value)
{
	return {reinterpret_cast<const char *>(value.data()), N};
}

/* A one-dimensional array in the server's binary format. */
class Array
{
  public:
	explicit Array(unsigned type) : type_(type) {}
	void add(std::string_view value)
	{
		elements_ += big_endian(value.size(), 4);
		elements_ += value;
		count_++;
	}
	void add_null()
	{
		elements_ += big_endian(~uint64_t{0}, 4);
		has_null_ = true;
		count_++;
	}
	std::string binary() const
	{
		std::string out =
			big_endian(count_ > 0, 4) + big_endian(has_null_, 4) + big_endian(type_, 4);
		if (count_ > 0)
			out += big_endian(count_, 4) + big_endian(1, 4);
		return out + elements_;
	}

  private:
	unsigned type_;
	size_t count_ = 0;
	bool has_null_ = false;
	std::string elements_;
};

/* A pipelined connection: answers come in the order of what was sent. */
class Connection
{
  public:
	explicit Connection(const char *info) : connection_(PQconnectdb(info))
	{
		if (PQstatus(connection_) != CONNECTION_OK)
			fail(PQerrorMessage(connection_));
	}
	~Connection() { PQfinish(connection_); }

	void prepare(const char *name, const char *sql)
	{
		PGresult *result = PQprepare(connection_, name, sql, 0, nullptr);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			fail(PQerrorMessage(connection_));
		PQclear(result);
	}

	std::string single_value(const std::string &sql)
	{
		PGresult *result = PQexec(connection_, sql.c_str());
		if (PQresultStatus(result) != PGRES_TUPLES_OK)
			fail(PQerrorMessage(connection_));
		std::string value = PQgetvalue(result, 0, 0);
		PQclear(result);
		return value;
	}

	void start_pipeline() { PQenterPipelineMode(connection_); }

	/* All arguments in binary format. */
	void send(const char *statement, const std::vector<std::string> &arguments)
	{
		std::vector<const char *> values;
		std::vector<int> lengths, formats(arguments.size(), 1);
		for (const std::string &argument : arguments) {
			values.push_back(argument.data());
			lengths.push_back(static_cast<int>(argument.size()));
		}
		if (!PQsendQueryPrepared(connection_, statement, static_cast<int>(arguments.size()),
								 values.data(), lengths.data(), formats.data(), 0))
			fail(PQerrorMessage(connection_));
	}

	/* What was sent since the last end is one transaction. */
	void end_transaction()
	{
		if (!PQpipelineSync(connection_))
			fail(PQerrorMessage(connection_));
	}

	/* The first value of the oldest transaction that was not yet waited for. */
	std::string finish_transaction()
	{
		std::string value;
		for (;;) {
			PGresult *result = PQgetResult(connection_);
			if (result == nullptr)
				continue;
			ExecStatusType status = PQresultStatus(result);
			if (status == PGRES_TUPLES_OK && PQntuples(result) > 0)
				value = PQgetvalue(result, 0, 0);
			PQclear(result);
			if (status == PGRES_PIPELINE_SYNC)
				return value;
			if (status != PGRES_TUPLES_OK)
				fail(PQerrorMessage(connection_));
		}
	}

  private:
	PGconn *connection_;
};

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
			relay_id_ = big_endian(std::stoul(id), 4);
			connection.prepare("insert", "SELECT events FROM bigbrotr.insert_events($1, $2, $3, "
										 "$4, $5, $6, $7, $8, $9, $10, $11, $12)");
			connection.prepare("known", "SELECT bigbrotr.known_events($1)");
		} else
			connection.prepare("insert",
							   "SELECT insert_event($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
		connection.start_pipeline();
	}

	void look_up(const Batch &batch)
	{
		Array ids(kBytea);
		for (const nostr::Event &event : batch.events)
			ids.add(bytes_of(event.id));
		connection_.send("known", {ids.binary()});
		connection_.end_transaction();
		in_flight_.push_back(true);
	}

	/* Of the oldest batch that was looked up, as {t,f,…}. */
	std::string known()
	{
		while (!in_flight_.front())
			finish_one();
		in_flight_.pop_front();
		std::string known;
		for (char c : connection_.finish_transaction())
			if (c == 't' || c == 'f')
				known += c;
		return known;
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
			insert_into_archive(batch);
		else
			insert_originally(batch);
		connection_.end_transaction();
		in_flight_.push_back(false);
		while (in_flight_.size() > kInFlight && !in_flight_.front())
			finish_one();
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

	void finish_one()
	{
		connection_.finish_transaction();
		in_flight_.pop_front();
	}

	void insert_originally(const Batch &batch)
	{
		std::string now = big_endian(kNow, 8);
		for (const nostr::Event &e : batch.events)
			connection_.send("insert", {bytes_of(e.id), bytes_of(e.pubkey),
										big_endian(static_cast<uint64_t>(e.created_at), 8),
										big_endian(static_cast<uint64_t>(e.kind), 4), '\1' + e.tags,
										e.content, bytes_of(e.sig), relay_, "clearnet", now, now});
	}

	void insert_into_archive(const Batch &batch)
	{
		Array ids(kBytea), pubkeys(kBytea), created_ats(kBigint), kinds(kInteger), tags(kText),
			contents(kText), sigs(kBytea), raws(kBytea), seen(kBytea), relays(kInteger),
			seen_ats(kBigint);
		std::string now = big_endian(kNow, 8);
		for (size_t i = 0; i < batch.events.size(); i++) {
			const nostr::Event &e = batch.events[i];
			seen.add(bytes_of(e.id));
			relays.add(relay_id_);
			seen_ats.add(now);
			if (!is_new(batch, i))
				continue;
			ids.add(bytes_of(e.id));
			pubkeys.add(bytes_of(e.pubkey));
			created_ats.add(big_endian(static_cast<uint64_t>(e.created_at), 8));
			kinds.add(big_endian(static_cast<uint64_t>(e.kind), 4));
			tags.add(e.tags);
			contents.add(e.content);
			sigs.add(bytes_of(e.sig));
			raws.add_null();
		}
		connection_.send("insert",
						 {ids.binary(), pubkeys.binary(), created_ats.binary(), kinds.binary(),
						  tags.binary(), contents.binary(), sigs.binary(), raws.binary(),
						  seen.binary(), relays.binary(), seen_ats.binary(), now});
	}

	Connection &connection_;
	bool to_archive_;
	std::string relay_;
	std::string relay_id_;
	nostr::Verifier verifier_;
	std::deque<bool> in_flight_; // transactions: true: a look-up, which known() waits for
};

/* The server looks one batch up while we parse the next. */
void
feed_new(Reader &reader, Feeder &feeder)
{
	Batch batch, next;
	bool more = reader.next(batch);
	feeder.look_up(batch);
	while (more) {
		more = reader.next(next);
		if (more)
			feeder.look_up(next);
		batch.known = feeder.known();
		feeder.verify(batch);
		feeder.insert(batch);
		std::swap(batch, next);
	}
}

} // namespace

int
main(int argc, char **argv)
{
	if (argc != 7) {
		fputs(
			"usage: bigbrotr-feed CONNECTION original|archive insert|verify|new RELAY BATCH FILE\n",
			stderr);
		return 2;
	}
	std::string step = argv[3];
	Connection connection(argv[1]);
	Feeder feeder(connection, strcmp(argv[2], "archive") == 0, argv[4]);
	Reader reader(argv[6], std::stoul(argv[5]));
	std::vector<Batch> ready;
	for (Batch batch; step == "insert" && reader.next(batch);)
		ready.push_back(std::move(batch));

	using Clock = std::chrono::steady_clock;
	auto begin = Clock::now();
	if (step == "insert")
		for (const Batch &batch : ready)
			feeder.insert(batch);
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
