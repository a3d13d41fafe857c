/*
 * bigbrotr.import_lines imports a piece; bigbrotr.import_events imports a whole file of the server:
 * it calls import_lines and commits after each piece. import_lines runs as the owner of the tables,
 * so that callers of both functions need no privilege on tables.
 */
#include "bytes.h"
#include "import.h"
#include "pg/border/spi.h"
#include "server_file.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "nodes/parsenodes.h"
#include "utils/snapmgr.h"
}

namespace {

constexpr size_t kChunk = 512 * 1024; // bytes read and stored in one transaction

pg::Statement
	begin_statement("SELECT i.import_id, i.bytes FROM bigbrotr.begin_import($1, $2, $3, $4) AS i");
pg::Statement lines_statement("SELECT bigbrotr.import_lines($1, $2, $3, $4)");
pg::Statement finish_statement("SELECT bigbrotr.finish_import($1)");
pg::Statement result_statement("SELECT lines, events_new, events_known, events_left_out, "
							   "events_refused FROM _bigbrotr.imports WHERE import_id = $1");
pg::Statement now_statement("SELECT bigbrotr.unix_now()");

int64_t
now()
{
	return now_statement.run().integer(0, 1);
}

archive::FilePiece
read_piece(const std::string &path, int64_t position, size_t size)
{
	archive::FilePiece piece = archive::read_piece(path, position, size);
	if (piece.error)
		throw pg::Error(piece.error == ENOENT ? ERRCODE_UNDEFINED_FILE : ERRCODE_IO_ERROR,
						"could not read file \"" + path + "\": " + strerror(piece.error),
						"The server itself reads the file.",
						"Give the path of a regular file on the server that the server may read.");
	return piece;
}

struct Request
{
	std::string path;
	std::optional<std::string> relay;
	bool resume;
};

class FileImport
{
  public:
	explicit FileImport(const Request &request) : request_(request) {}

	/* Must be called in its own transaction. */
	void begin()
	{
		archive::FilePiece nothing = read_piece(request_.path, 0, 0);
		pg::Rows row =
			begin_statement.run({pg::value(request_.path),
								 request_.relay ? pg::value(*request_.relay) : pg::null(TEXTOID),
								 pg::value(nothing.file_size), pg::value(request_.resume)});
		id_ = row.integer(0, 1);
		position_ = row.integer(0, 2);
	}

	/* Must be called in its own transaction. False at the end of the file. */
	bool step()
	{
		archive::FilePiece piece = read_piece(request_.path, position_, size_);
		bool last = position_ + static_cast<int64_t>(piece.bytes.size()) >= piece.file_size;
		int64_t taken = lines_statement
							.run({pg::value(id_), pg::value(position_), pg::bytea(piece.bytes),
								  pg::value(last)})
							.integer(0, 1);
		position_ += taken;
		size_ = taken == 0 ? 2 * size_ : kChunk; // a line may be longer than the piece
		if (last)
			finish_statement.run({pg::value(id_)});
		return !last;
	}

	/* Must be called in its own transaction, at the end. */
	void say_result() const
	{
		pg::Rows row = result_statement.run({pg::value(id_)});
		if (row.count() == 0)
			return; // the import was deleted meanwhile
		int64_t lines = row.integer(0, 1), fresh = row.integer(0, 2), known = row.integer(0, 3),
				left_out = row.integer(0, 4), refused = row.integer(0, 5);
		pg::call([&] {
			ereport(NOTICE,
					(errmsg("import %lld: %lld lines, %lld events new, %lld known, %lld left out, "
							"%lld refused",
							(long long) id_, (long long) lines, (long long) fresh,
							(long long) known, (long long) left_out, (long long) refused),
					 refused == 0 ? 0
								  : errhint("SELECT line, reason, text FROM "
											"bigbrotr.import_rejects WHERE import_id = %lld;",
											(long long) id_)));
		});
	}

  private:
	const Request &request_;
	int64_t id_ = 0, position_ = 0;
	size_t size_ = kChunk;
};

/*
 * Runs `body` in the current transaction and commits it. A procedure that commits cannot have a SET
 * clause, so the search path is set for each transaction. The inner SPI connection frees what SPI
 * and the batch allocate.
 */
template <class F>
auto
committed(F body)
{
	pg::call([] {
		CHECK_FOR_INTERRUPTS();
		set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
						  GUC_ACTION_LOCAL, true, 0, false);
		SPI_connect();
		PushActiveSnapshot(GetTransactionSnapshot());
	});
	auto result = body();
	pg::call([] {
		PopActiveSnapshot();
		SPI_finish();
		SPI_commit();
	});
	return result;
}

void
import_file(const Request &request)
{
	FileImport import(request);
	pg::call([] { SPI_connect_ext(SPI_OPT_NONATOMIC); });
	committed([&] { return import.begin(), true; });
	while (committed([&] { return import.step(); }))
		;
	committed([&] { return import.say_result(), true; });
	pg::call([] { SPI_finish(); });
}

void
check_caller(FunctionCallInfo fcinfo)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		throw pg::Error(ERRCODE_INSUFFICIENT_PRIVILEGE, "permission denied to read server files",
						"The role pg_read_server_files is needed.",
						"Anyone who may feed the archive can import with bigbrotr-import.");
	auto *context = reinterpret_cast<CallContext *>(fcinfo->context);
	if (context == nullptr || !IsA(context, CallContext) || context->atomic)
		throw pg::Error(ERRCODE_ACTIVE_SQL_TRANSACTION,
						"bigbrotr.import_events cannot run inside a transaction block",
						"It commits after each piece of the file.");
}

} // namespace

SQL_FUNCTION(bigbrotr_import_lines)
{
	return pg::boundary([&] {
		std::string_view chunk = archive::varlena_view(PG_GETARG_DATUM(2));
		pg::call([] { SPI_connect(); });
		size_t taken = archive::import_lines(PG_GETARG_INT64(0), PG_GETARG_INT64(1), chunk,
											 PG_GETARG_BOOL(3), now());
		pg::call([] { SPI_finish(); });
		return Int64GetDatum(static_cast<int64_t>(taken));
	});
}

SQL_FUNCTION(bigbrotr_import_events)
{
	return pg::boundary([&] {
		check_caller(fcinfo);
		if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
			throw pg::Error(ERRCODE_NULL_VALUE_NOT_ALLOWED, "path and resume must not be null",
							"Only the relay may be null; then no sightings are archived.",
							"Give the path of a file of the server, from \"/\" on.");
		Request request = {std::string(archive::varlena_view(PG_GETARG_DATUM(0))), std::nullopt,
						   PG_GETARG_BOOL(2)};
		if (!PG_ARGISNULL(1))
			request.relay.emplace(archive::varlena_view(PG_GETARG_DATUM(1)));
		if (request.path.empty() || request.path[0] != '/')
			throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE,
							"\"" + request.path + "\" is not an absolute path",
							"It does not begin with \"/\".",
							"Give the path of a file of the server, from \"/\" on.");
		import_file(request);
		return Datum(0);
	});
}
