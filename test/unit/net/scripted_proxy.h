/* A proxy on 127.0.0.1 that does what a test tells it, one thread per connection. */
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "local_server.h"
#include "nostr/proxy_url.h"

namespace test {

/* The proxy's end of one connection. Reads and writes throw ConnectionGone when it is over. */
class Client
{
  public:
	explicit Client(int fd) : fd_(fd) {}

	std::string read(size_t bytes);
	/* Up to the text, with it. */
	std::string read_until(std::string_view end);
	void send(std::string_view bytes);
	/* Passes everything on to a port of 127.0.0.1 and back, until one side ends. */
	void pass_on(uint16_t port);
	/* Waits until the client goes. */
	void linger();

  private:
	int fd_;
};

class ScriptedProxy
{
  public:
	using Script = std::function<void(Client &)>;

	explicit ScriptedProxy(Script script);

	std::string url(const char *scheme) const
	{
		return scheme + std::string("://127.0.0.1:") + std::to_string(port());
	}
	uint16_t port() const { return server_.port(); }
	int connections() const { return server_.connections(); }

  private:
	Script script_;
	LocalServer server_;
};

/* What a proxy was asked, of any thread. */
class Asked
{
  public:
	void add(std::string text)
	{
		std::lock_guard lock(mutex_);
		texts_.push_back(std::move(text));
	}
	std::vector<std::string> all()
	{
		std::lock_guard lock(mutex_);
		return texts_;
	}

  private:
	std::mutex mutex_;
	std::vector<std::string> texts_; // guarded by mutex_
};

/* Good proxies that lead all names to one port of 127.0.0.1, and note what they were asked. */
ScriptedProxy::Script socks5(uint16_t port, Asked &asked);
ScriptedProxy::Script http_connect(uint16_t port, Asked &asked);

} // namespace test
