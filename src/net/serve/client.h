/*
 * One connection of a client: HTTP requests one after the other or, after an upgrade, a Nostr
 * session. The connection is closed if the client sends or reads too slowly or disappears.
 */
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/serve/answer_writer.h"
#include "net/serve/calls.h"
#include "net/serve/nostr_session.h"
#include "net/serve/peer_socket.h"
#include "net/serve/row_format.h"
#include "net/serve/stream.h"
#include "net/serve/web_files.h"
#include "net/serve/web_socket_frames.h"

namespace net {

class Client final : public PeerSocket::Owner,
					 public Calls::Caller,
					 public NostrSession::Out,
					 public Stream::Out
{
  public:
	/* Takes ownership of `fd` and `tls`; `tls` is null without TLS. */
	Client(Server &server, int fd, TlsConnection tls, const Address &address);
	~Client() override;

	bool gone() const { return gone_; }
	const Address &address() const { return address_; } // of the peer
	/* Null while the connection uses HTTP. */
	NostrSession *session() const { return session_.get(); }
	/* Null if no endless answer is being sent. */
	Stream *stream() const { return stream_.get(); }
	/* Checks deadlines; must be called every 100 ms. */
	void tick();

  private:
	/* A request that waits for rows. */
	struct Pending
	{
		ClientRequest request;
		wire::Shape shape; // Shape::One also for Shape::Accepted
		int status;        // status if the call succeeds
		std::string content_type;
		int32_t cache_seconds;
		RowFormat rows;
		std::optional<int32_t> limit; // largest number of rows in a page
		std::string fingerprint;
		bool open;             // open to everybody, so no cost limit
		bool for_pages = true; // pages of other sites may read the answer
		uint64_t call = 0;
		int32_t count = 0;                              // number of rows so far
		std::string position = "";                      // position of the last row
		std::string filter = "";                        // filter of a stream of events
		std::unique_ptr<AnswerWriter> answer = nullptr; // begins with the first row
	};

	void on_bytes(std::string_view bytes) override;
	void on_sent() override;
	void on_half_closed() override;
	void on_gone() override;
	void on_rows(const wire::Rows &rows) override;
	void on_end(const wire::CallEnd &end) override;
	void send_message(std::string text) override;
	void send_bytes(std::string bytes) override; // the visitor's budget pays
	bool is_slow() const override { return socket_.unsent() >= kSlow; }

	void probe();
	void serve_requests();
	void handle(ClientRequest request);
	bool may_read_metrics(const ClientRequest &request) const;
	bool serve_own(const ClientRequest &request, const RequestTarget &target);
	void begin(ClientRequest request, const ApiRoute &route, RouteCall call);
	void begin_answer();
	void end_answer();
	void begin_stream(const ClientRequest &request, std::unique_ptr<Stream> stream);
	void upgrade(const ClientRequest &request);
	bool may_stay(const ClientRequest &request);
	void serve_frames();
	void answer(const ClientRequest &request, int status, std::string content_type,
				std::string body, Fields headers = {});
	void answer(const ClientRequest &request, const WebFile &file);
	void refuse(const ClientRequest &request, const Problem &problem, Fields headers = {});
	void finished(bool keep_alive);
	void pay();
	void give_credit();
	AnswerOptions options(int status, std::string content_type, Fields headers) const;

	/* Seconds, if the server is not ready or something is used up. */
	static constexpr int kRetryAfter = 30;
	static constexpr size_t kSlow = 256 << 10; // unsent bytes above which no rows are taken

	Server &server_;
	const Address address_;
	PeerSocket socket_;
	HttpReader http_;
	std::optional<Pending> pending_;
	Visitor visitor_;      // sender of the request, or of the WebSocket's upgrade
	Fields limit_headers_; // headers of the answer to the current request
	int64_t unpaid_ = 0;   // bytes sent and not yet charged
	int owed_ = 0;         // pieces without taken() so far
	bool ending_ = false;  // nothing more is read
	bool gone_ = false;
	bool stays_ = false; // counted in Server::endless
	WebSocketReader frames_;
	std::unique_ptr<NostrSession> session_;
	std::unique_ptr<Stream> stream_;
	Clock::Time since_;              // start of the current request, or end of the last one
	Clock::Time heard_{}, pinged_{}; // used by WebSocket
	Clock::Time probed_{};           // last probe of a client that closed its side
};

} // namespace net
