/* A web server on 127.0.0.1 that answers each request as a test tells it, byte by byte. */
#pragma once

#include <cstring>
#include <functional>
#include <string>

#include <sys/socket.h>
#include <unistd.h>

#include "local_server.h"

namespace test {

class WebServer
{
  public:
	/* Sends pieces of the answer to a request; throws ConnectionGone if the client has gone. */
	using Send = std::function<void(std::string_view)>;
	/* The connection ends when it returns. */
	using Answer = std::function<void(const std::string &request, const Send &send)>;

	explicit WebServer(Answer answer)
		: answer_(std::move(answer)), server_([this](int fd) { serve(fd); })
	{
	}
	/* Answers `answers` to everything, as it is. */
	explicit WebServer(std::string bytes)
		: WebServer(
			  [bytes = std::move(bytes)](const std::string &, const Send &send) { send(bytes); })
	{
	}

	uint16_t port() const { return server_.port(); }
	int connections() const { return server_.connections(); }
	std::string host() const { return "127.0.0.1:" + std::to_string(port()); }
	std::string url(const std::string &path = "/") const { return "http://" + host() + path; }

  private:
	void serve(int fd)
	{
		std::string request;
		char bytes[4096];
		while (request.find("\r\n\r\n") == request.npos) {
			ssize_t got = recv(fd, bytes, sizeof bytes, 0);
			if (got <= 0)
				return;
			request.append(bytes, size_t(got));
		}
		const size_t head = request.find("\r\n\r\n") + 4;
		const size_t length = request.find("\r\nContent-Length: ");
		const size_t body =
			length < head ? std::stoul(request.substr(length + strlen("\r\nContent-Length: "))) : 0;
		while (request.size() < head + body) {
			ssize_t got = recv(fd, bytes, sizeof bytes, 0);
			if (got <= 0)
				return;
			request.append(bytes, size_t(got));
		}
		try {
			answer_(request, [fd](std::string_view piece) {
				while (!piece.empty()) {
					ssize_t sent = send(fd, piece.data(), piece.size(), MSG_NOSIGNAL);
					if (sent <= 0)
						throw ConnectionGone{};
					piece.remove_prefix(size_t(sent));
				}
			});
		} catch (const ConnectionGone &) {
		}
	}

	Answer answer_;
	LocalServer server_;
};

/* A good answer with that body. */
inline std::string
http_answer(const std::string &body, const std::string &headers = "")
{
	return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
		   "\r\n" + body;
}

} // namespace test
