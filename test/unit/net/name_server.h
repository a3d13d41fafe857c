/* A DNS server on 127.0.0.1 for tests: every name has the addresses it was told. */
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace test {

/* In place of an address: the server says that it failed. */
constexpr const char *kFails = "fails";

class NameServer
{
  public:
	/* Addresses of both families by name; a name that is missing does not exist; "" is never
	 * answered; "www.example.com." is another name that the name stands for (CNAME). */
	using Names = std::map<std::string, std::vector<std::string>>;

	/* `running` false: it answers from start() on, for tests that must fork before. */
	explicit NameServer(Names names, bool running = true);
	~NameServer();
	NameServer(const NameServer &) = delete;

	void start();
	/* Seconds for which all answers may be kept; 60 if it was not told. To be set before start().
	 */
	void set_ttl(uint32_t seconds) { ttl_ = seconds; }
	/* From now on the name has these. */
	void change(const std::string &name, std::vector<std::string> addresses);
	/* "127.0.0.1:PORT" */
	const std::string &address() const { return address_; }
	/* The ports from which questions came, one for each question. */
	std::vector<uint16_t> askers() const;

  private:
	void serve();
	std::string answer(std::string query) const;
	void add_records(const std::string &name, char type, std::string &reply) const;

	int fd_;
	uint32_t ttl_ = 60;
	std::string address_;
	mutable std::mutex mutex_;
	Names names_;                  // guarded by mutex_
	std::vector<uint16_t> askers_; // guarded by mutex_
	std::thread thread_;
};

} // namespace test
