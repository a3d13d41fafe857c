/*
 * The desk of role serve: accepts connections of clients and passes their calls to the worker.
 */
#pragma once

#include <list>
#include <map>
#include <optional>
#include <unordered_map>

#include "net/core/link.h"
#include "net/desk/desk.h"
#include "net/serve/calls.h"
#include "net/serve/client.h"
#include "net/serve/live_feed.h"

namespace net {

class ServeDesk final : public Desk, public Calls
{
  public:
	/* Takes ownership of the sockets, which must be listening and non-blocking. */
	ServeDesk(Reactor &reactor, const Clock &clock, Link &link, std::vector<int> listening);
	~ServeDesk() override;

	void handle(const wire::Frame &frame) override;
	void tick() override;
	void end_of_turn() override;
	std::vector<wire::Gauge> gauges() const override;
	bool threads_made() const override { return true; }

	uint64_t begin(const ApiRoute &route, const Arguments &arguments, Caller &caller,
				   const Visitor *visitor, int32_t cost_limit) override;
	void taken(uint64_t call) override;
	void cancel(uint64_t call) override;

  private:
	void take(const wire::ServeSettings &settings);
	void take(const wire::ServerCertificate &certificate);
	void tell_certificate();
	void take(const wire::ApiKeys &keys) { server_.admission.take(keys); }
	void take(const wire::Routes &routes);
	void take(const wire::Rows &rows);
	void take(const wire::CallEnd &end);
	void take(const wire::NewEvents &news) { feed_.take(news); }
	void accept(size_t place);
	void listen(bool on);

	Reactor &reactor_;
	const Clock &clock_;
	Link &link_;
	const std::vector<int> listening_;
	std::string certificate_fault_, certificate_doubt_; // last values reported to the worker
	std::string tls_;                                   // a character per socket: '1' means TLS
	TlsCertificate certificate_;
	bool accepting_ = false; // false until settings and routes came, or if descriptors are short
	bool settled_ = false;
	Clock::Time accept_again_{}, told_uses_{};
	Server server_;
	struct OpenCall
	{
		Caller *caller; // null after a cancellation
		std::optional<Visitor> visitor;
		bool is_charged; // the visitor pays the cost, also after a cancellation
	};
	std::unordered_map<uint64_t, OpenCall> calls_;
	uint64_t last_call_ = 0;
	LiveFeed feed_;
	std::list<Client> clients_; // after calls_: a client that is destroyed uses calls_
	std::map<Address, int> per_address_;
	int64_t turned_away_ = 0; // connections refused since the start
};

} // namespace net
