/*
 * A pipelined libpq connection, and arguments in the server's binary format.
 */
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
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
	Array(unsigned type, size_t count, size_t bytes) : type_(type)
	{
		binary_.reserve(kHeader + count * 4 + bytes);
		binary_.resize(kHeader);
	}
	void add(std::string_view value)
	{
		add_number(value.size(), 4);
		binary_ += value;
		count_++;
	}
	void add_integer(uint64_t value, size_t size)
	{
		add_number(size, 4);
		add_number(value, size);
		count_++;
	}
	void add_null()
	{
		add_number(~uint64_t{0}, 4);
		has_null_ = true;
		count_++;
	}
	std::string_view binary()
	{
		if (count_ == 0)
			binary_.resize(kHeader - 8); // no dimension
		size_t at = 0;
		for (uint64_t field : {uint64_t{count_ > 0}, uint64_t{has_null_}, uint64_t{type_},
							   uint64_t{count_}, uint64_t{1}})
			if (at < binary_.size()) {
				put_big_endian(field, 4, &binary_[at]);
				at += 4;
			}
		return binary_;
	}

  private:
	static constexpr size_t kHeader = 20;
	void add_number(uint64_t value, size_t size)
	{
		char bytes[8];
		put_big_endian(value, size, bytes);
		binary_.append(bytes, size);
	}

	unsigned type_;
	size_t count_ = 0;
	bool has_null_ = false;
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
	void send(const char *statement, std::initializer_list<std::string_view> arguments)
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
