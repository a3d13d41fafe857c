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

	/* Opens the sockets that the list names and closes those that it does not name. Returns whether
	 * a socket was opened or closed. */
	bool follow(const char *list);

	/* Descriptors of the open sockets. */
	std::vector<int> descriptors() const;
	/* One character per open socket: '1' if it speaks TLS, else '0'. */
	std::string tls() const;
	/* A number that changes whenever a socket is opened or closed; descriptors may be reused. */
	uint64_t generation() const { return generation_; }
	/* Why a socket could not be opened, with advice; empty if all are open. */
	const std::string &fault() const { return fault_; }

  private:
	struct Listener
	{
		std::string name; // as in bigbrotr.api_listen
		ListenAddress address;
		int descriptor;
	};

	void open(std::string name);
	void close(Listener &listener);

	std::vector<Listener> listeners_;
	uint64_t generation_ = 0;
	std::string fault_;
};
