/*
 * bigbrotr-import: imports events from a file or a pipe of this machine, one JSON object a line,
 * for a server that cannot read the file itself.
 *
 *     bigbrotr-import [--relay URL] [--name NAME] [--dbname CONNINFO] [FILE]
 */
#include <libpq-fe.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr size_t kChunk = 512 * 1024; // bytes in one transaction; only a longer line takes more

constexpr const char *kUsage =
	"usage: bigbrotr-import [--relay URL] [--name NAME] [--dbname CONNINFO] [FILE]\n"
	"\n"
	"Archives the events of FILE or the standard input, one JSON object a line. --relay says "
	"where\n"
	"they were seen. A FILE, or an input with a NAME, whose import was interrupted goes on where "
	"it\n"
	"was. The connection is found as psql finds it (PGHOST, PGDATABASE, ...) or given by "
	"--dbname.\n";

struct Options
{
	std::string file; // empty: standard input
	std::optional<std::string> relay, name;
	std::string dbname;
	bool help = false;
};

struct Failure : std::runtime_error
{
	using std::runtime_error::runtime_error;
};

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

class Server
{
  public:
	explicit Server(const std::string &dbname) : connection_(connect(dbname), PQfinish)
	{
		if (PQstatus(connection_.get()) != CONNECTION_OK)
			throw Failure(PQerrorMessage(connection_.get()));
	}

	struct StatementParameter
	{
		std::optional<std::string_view> value;
		bool binary = false;
	};

	Result run(const char *sql, const std::vector<StatementParameter> &parameters)
	{
		std::vector<std::string> texts; // null-terminated, as libpq requires
		texts.reserve(parameters.size());
		std::vector<const char *> values;
		std::vector<int> lengths, formats;
		for (const StatementParameter &p : parameters) {
			if (p.value && !p.binary)
				values.push_back(texts.emplace_back(*p.value).c_str());
			else
				values.push_back(p.value ? p.value->data() : nullptr);
			lengths.push_back(p.value ? static_cast<int>(p.value->size()) : 0);
			formats.push_back(p.binary);
		}
		Result result(PQexecParams(connection_.get(), sql, static_cast<int>(parameters.size()),
								   nullptr, values.data(), lengths.data(), formats.data(), 0),
					  PQclear);
		if (PQresultStatus(result.get()) != PGRES_TUPLES_OK)
			throw Failure(PQerrorMessage(connection_.get()));
		return result;
	}

  private:
	static PGconn *connect(const std::string &dbname)
	{
		const char *names[] = {"dbname", "fallback_application_name", nullptr};
		const char *values[] = {dbname.empty() ? nullptr : dbname.c_str(), "bigbrotr-import",
								nullptr};
		return PQconnectdbParams(names, values, 1);
	}

	std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

class Input
{
  public:
	explicit Input(const std::string &file)
		: fd_(file.empty() ? STDIN_FILENO : open(file.c_str(), O_RDONLY))
	{
		struct stat status;
		if (fd_ < 0 || fstat(fd_, &status) != 0)
			fail(file.empty() ? "standard input" : file);
		if (S_ISREG(status.st_mode))
			size_ = status.st_size;
	}

	/* The size of the file; nothing for a pipe. */
	std::optional<int64_t> size() const { return size_; }

	/* Appends to `buffer` until it has `size` bytes; false at the end of the input. */
	bool fill(std::string &buffer, size_t size)
	{
		size_t have = buffer.size();
		buffer.resize(std::max(size, have));
		while (have < buffer.size()) {
			ssize_t got = read(fd_, buffer.data() + have, buffer.size() - have);
			if (got < 0 && errno == EINTR)
				continue;
			if (got < 0)
				fail("the input");
			if (got == 0) {
				buffer.resize(have);
				return false;
			}
			have += static_cast<size_t>(got);
		}
		return true;
	}

  private:
	[[noreturn]] static void fail(const std::string &what)
	{
		throw Failure("could not read " + what + ": " + strerror(errno) + "\n");
	}

	int fd_;
	std::optional<int64_t> size_;
};

/* Skips the input that an earlier run has imported. */
void
skip(Input &input, int64_t bytes)
{
	std::string buffer;
	while (bytes > 0) {
		buffer.clear();
		bool more = input.fill(buffer, static_cast<size_t>(std::min<int64_t>(bytes, kChunk)));
		bytes -= static_cast<int64_t>(buffer.size());
		if (!more && bytes > 0)
			throw Failure("the input is shorter than what was read of it before\n");
	}
}

void
import(const Options &options)
{
	Input input(options.file);
	Server server(options.dbname);
	std::string source = options.name           ? *options.name
						 : options.file.empty() ? "standard input"
												: std::filesystem::absolute(options.file).string();
	bool resume = options.name || !options.file.empty();
	std::optional<std::string> size;
	if (input.size())
		size = std::to_string(*input.size());
	Result begun = server.run("SELECT import_id, bytes FROM bigbrotr.begin_import($1, $2, $3, $4)",
							  {{source}, {options.relay}, {size}, {resume ? "true" : "false"}});
	std::string id = PQgetvalue(begun.get(), 0, 0);
	int64_t position = std::stoll(PQgetvalue(begun.get(), 0, 1));
	skip(input, position);

	std::string buffer;
	size_t wanted = kChunk;
	for (bool more = true; more;) {
		more = input.fill(buffer, wanted);
		Result result = server.run(
			"SELECT bigbrotr.import_lines($1, $2, $3, $4)",
			{{id}, {std::to_string(position)}, {buffer, true}, {more ? "false" : "true"}});
		auto taken = static_cast<size_t>(std::stoull(PQgetvalue(result.get(), 0, 0)));
		buffer.erase(0, taken);
		position += static_cast<int64_t>(taken);
		wanted = taken == 0 ? 2 * wanted : kChunk;
	}
	Result done = server.run(
		"SELECT p.line_count, p.new_count, p.known_count, p.left_out_count, p.refused_count "
		"FROM bigbrotr.import_progress AS p, bigbrotr.finish_import(p.import_id) "
		"WHERE p.import_id = $1",
		{{id}});
	auto number = [&](int column) { return PQgetvalue(done.get(), 0, column); };
	fprintf(stderr, "import %s: %s lines, %s events new, %s known, %s left out, %s refused%s\n",
			id.c_str(), number(0), number(1), number(2), number(3), number(4),
			strcmp(number(4), "0") == 0 ? "" : " (see bigbrotr.import_rejects)");
}

std::optional<Options>
read_options(int argc, char **argv)
{
	Options options;
	for (int i = 1; i < argc; i++) {
		std::string_view word = argv[i];
		bool has_value = word == "--relay" || word == "--name" || word == "--dbname";
		if (has_value && ++i == argc)
			return std::nullopt;
		if (word == "--relay")
			options.relay = argv[i];
		else if (word == "--name")
			options.name = argv[i];
		else if (word == "--dbname")
			options.dbname = argv[i];
		else if (word == "-h" || word == "--help")
			options.help = true;
		else if (word.starts_with('-') || !options.file.empty())
			return std::nullopt;
		else
			options.file = word;
	}
	return options;
}

} // namespace

int
main(int argc, char **argv)
{
	std::optional<Options> options = read_options(argc, argv);
	if (!options) {
		fputs(kUsage, stderr);
		return 2;
	}
	if (options->help) {
		fputs(kUsage, stdout);
		return 0;
	}
	try {
		import(*options);
		return 0;
	} catch (const std::exception &error) {
		fprintf(stderr, "bigbrotr-import: %s", error.what());
		return 1;
	}
}
