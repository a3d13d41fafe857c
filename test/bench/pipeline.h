/*
 * A pipelined libpq connection, and arguments in the server's binary format.
 */
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

[[noreturn]] inline void
fail(const std::string &what)
{
	fprintf(stderr, "bigbrotr-feed: %s\n", what.c_str());
	exit(1);
}

inline void
put_big_endian(uint64_t value, size_t size, char *to)
{
	for (size_t i = 0; i < size; i++)
		to[i] = static_cast<char>(value >> 8 * (size - 1 - i));
}

inline std::string
big_endian(uint64_t value, size_t size)
{
	std::string out(size, 0);
	put_big_endian(value, size, out.data());
	return out;
}

/* A one-dimensional array in the server's binary format. */
class Array
{
  public:
	/* `bytes`: of all its elements, about. */
	Array(unsigned type, size_t count, size_t bytes)
	{
		binary_.reserve(kCount + 8 + count * 4 + bytes);
		for (uint64_t field : {uint64_t{1}, uint64_t{0}, uint64_t{type}, uint64_t{0}, uint64_t{1}})
			add_number(field, 4); // dimensions, nulls, type, count, lower bound
	}
	void add(std::string_view value)
	{
		begin_element(value.size());
		binary_ += value;
	}
	void add_integer(uint64_t value, size_t size)
	{
		begin_element(size);
		add_number(value, size);
	}
	void add_null()
	{
		begin_element(~uint64_t{0});
		put_big_endian(1, 4, &binary_[kNulls]);
	}
	std::string_view binary() const { return binary_; }

  private:
	static constexpr size_t kNulls = 4, kCount = 12; // where they stand
	void begin_element(uint64_t size)
	{
		add_number(size, 4);
		put_big_endian(++count_, 4, &binary_[kCount]);
	}
	void add_number(uint64_t value, size_t size)
	{
		char bytes[8];
		put_big_endian(value, size, bytes);
		binary_.append(bytes, size);
	}

	size_t count_ = 0;
	std::string binary_;
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
	void send(const char *statement, const std::vector<std::string_view> &arguments)
	{
		std::vector<const char *> values;
		std::vector<int> lengths, formats(arguments.size(), 1);
		for (std::string_view argument : arguments) {
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
