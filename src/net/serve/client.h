/*
 * One connection of a client: requests of HTTP one after the other, or, after an upgrade, a Nostr
 * session. A client that is slow to ask or to read, or goes away, is given up.
 */
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/serve/answer.h"
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
	/* Takes over `fd` and `tls`; null: there is no TLS. */
	Client(Server &server, int fd, TlsConnection tls, const Address &address);
	~Client() override;

	bool gone() const { return gone_; }
	const Address &address() const { return address_; } // of the far end
	/* Null: it speaks HTTP. */
	NostrSession *session() const { return session_.get(); }
	/* Null: its answers have an end. */
	Stream *stream() const { return stream_.get(); }
	/* Every 100 ms: deadlines. */
	void tick();

  private:
	/* A request whose rows are on their way. */
	struct Pending
	{
		ClientRequest request;
		wire::Shape shape; // One for Accepted, too
		int status;        // if the answer is good
		std::string content_type;
		int32_t cache_seconds;
		RowFormat rows;
		std::optional<int32_t> limit; // rows of a page
		std::string fingerprint;
		bool open; // to everybody: it is not limited by its cost
		uint64_t call = 0;
		int32_t count = 0;                        // rows so far
		std::string position = "";                // of the last row
		std::string filter = "";                  // of a stream of events
		std::unique_ptr<Answer> answer = nullptr; // from the first row on
	};

	void on_bytes(std::string_view bytes) override;
	void on_sent() override;
	void on_half_closed() override;
	void on_gone() override;
	void on_rows(const wire::Rows &rows) override;
	void on_end(const wire::CallEnd &end) override;
	void send_message(std::string text) override;
	void send_bytes(std::string bytes) override; // what the visitor's budget pays
	bool is_slow() const override { return socket_.unsent() >= kSlow; }

	void probe();
	void serve_requests();
	void handle(ClientRequest request);
	bool may_read_metrics(const ClientRequest &request) const;
	bool serve_own(const ClientRequest &request, const Target &target);
	void begin(ClientRequest request, const ApiRoute &route, RouteCall call);
	void begin_answer();
	void end_answer();
	void begin_stream(const ClientRequest &request, std::unique_ptr<Stream> stream);
	void upgrade(const ClientRequest &request);
	void serve_frames();
	void answer(const ClientRequest &request, int status, std::string content_type,
				std::string body, Fields headers = {});
	void answer(const ClientRequest &request, const WebFile &file);
	void refuse(const ClientRequest &request, const Problem &problem, Fields headers = {});
	void finished(bool keep_alive);
	void pay();
	void give_credit();
	AnswerOptions options(int status, std::string content_type, Fields headers) const;

	static constexpr size_t kSlow = 256 << 10; // unsent bytes from which on rows wait

	Server &server_;
	const Address address_;
	PeerSocket socket_;
	HttpReader http_;
	std::optional<Pending> pending_;
	Visitor visitor_;      // who sent the current request, or opened the WebSocket
	Fields limit_headers_; // of the answer to the current request
	int64_t unpaid_ = 0;   // bytes
	int owed_ = 0;         // pieces that are not taken yet
	bool ending_ = false;  // nothing more is read
	bool gone_ = false;
	WebSocketReader frames_;
	std::unique_ptr<NostrSession> session_;
	std::unique_ptr<Stream> stream_;
	Clock::Time since_;              // when the current request began, or the last one ended
	Clock::Time heard_{}, pinged_{}; // WebSocket
	Clock::Time probed_{};           // a client that has closed its side
};

} // namespace net
