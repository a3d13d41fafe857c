/* The sockets on which the API is served, as bigbrotr.api_listen names them. */
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/api/listen_address.h"

class Listeners
{
  public:
	Listeners() = default;
	Listeners(const Listeners &) = delete;
	~Listeners();

	/* Opens what the list names and is not open, closes what it does not name. Returns whether
	 * anything has changed. */
	bool follow(const char *list);

	/* Of open sockets. */
	std::vector<int> descriptors() const;
	/* For each of them: '1' if it speaks TLS, else '0'. */
	std::string tls() const;
	/* A number that changes with the descriptors: one that was closed may come again. */
	uint64_t generation() const { return generation_; }
	/* Why some socket could not be opened, with what can be done about it; empty: all are open. */
	const std::string &fault() const { return fault_; }

  private:
	struct Listener
	{
		std::string name; // as in the list
		ListenAddress address;
		int descriptor;
	};

	void open(std::string name);
	void close(Listener &listener);

	std::vector<Listener> listeners_;
	uint64_t generation_ = 0;
	std::string fault_;
};
