/*
 * The desk of role serve: accepts the connections of clients and hands their calls to the worker.
 */
#pragma once

#include <list>
#include <map>
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
	/* Takes over the sockets, which listen and do not block. */
	ServeDesk(Reactor &reactor, const Clock &clock, Link &link, std::vector<int> listening);
	~ServeDesk() override;

	void handle(const wire::Frame &frame) override;
	void tick() override;
	void end_of_turn() override;
	std::vector<wire::Gauge> gauges() const override;
	bool threads_made() const override { return true; }

	uint64_t begin(const ApiRoute &route, const Arguments &arguments, Caller &caller,
				   int32_t cost_limit) override;
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
	void take(const wire::News &news) { feed_.take(news); }
	void accept(size_t place);
	void listen(bool on);

	Reactor &reactor_;
	const Clock &clock_;
	Link &link_;
	const std::vector<int> listening_;
	std::string certificate_fault_, certificate_doubt_; // as the worker knows them
	std::string tls_;                                   // for each of them: '1' if it speaks TLS
	TlsCertificate certificate_;
	bool accepting_ = false; // after the first settings and routes; not while descriptors are short
	bool settled_ = false;
	Clock::Time accept_again_{}, told_uses_{};
	Server server_;
	/* Its caller; null after a cancellation. */
	std::unordered_map<uint64_t, Caller *> calls_;
	uint64_t last_call_ = 0;
	LiveFeed feed_;
	std::list<Client> clients_; // behind calls_: they cancel their calls when they end
	std::map<Address, int> per_address_;
	int64_t turned_away_ = 0; // connections, since the start
};

} // namespace net
