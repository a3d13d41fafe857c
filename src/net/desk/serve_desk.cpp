#include "net/desk/serve_desk.h"

#include <algorithm>
#include <cerrno>
#include <random>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/serve/text.h"

namespace net {

using namespace std::chrono_literals;

constexpr int kAcceptAtOnce = 64;  // connections accepted in a row before other work
constexpr auto kShortOfFiles = 1s; // pause of accepting when descriptors are short
constexpr auto kTellUses = 1s;     // interval of reports about the use of keys

ServeDesk::ServeDesk(Reactor &reactor, const Clock &clock, Link &link, std::vector<int> listening)
	: reactor_(reactor), clock_(clock), link_(link),
	  listening_(std::move(listening)), server_{.reactor = reactor, .clock = clock, .calls = *this},
	  feed_(server_)
{
	server_.feed = &feed_;
	server_.epoch = digest(std::to_string(std::random_device()()) +
						   std::to_string(clock.now().time_since_epoch().count()));
}

ServeDesk::~ServeDesk()
{
	clients_.clear();
	listen(false);
	for (int fd : listening_)
		close(fd);
}

void
ServeDesk::listen(bool on)
{
	if (on == accepting_)
		return;
	accepting_ = on;
	for (size_t i = 0; i < listening_.size(); i++)
		if (on)
			reactor_.watch(listening_[i], EPOLLIN, [this, i](uint32_t) { accept(i); });
		else
			reactor_.unwatch(listening_[i]);
}

/* Accepts connections of the listening socket with index `place`. */
void
ServeDesk::accept(size_t place)
{
	const int listening = listening_[place];
	const bool has_tls = place < tls_.size() && tls_[place] == '1';
	for (int i = 0; i < kAcceptAtOnce; i++) {
		sockaddr_storage from{};
		socklen_t size = sizeof from;
		int fd = accept4(listening, reinterpret_cast<sockaddr *>(&from), &size,
						 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
				listen(false);
				accept_again_ = clock_.now() + kShortOfFiles;
			}
			return;
		}
		Address address = counted_address(peer_address(from));
		int &count = per_address_[address];
		/* A trusted proxy connects for many clients, so only its requests are counted, not its
		 * connections. */
		const bool proxy = server_.proxies.contain(peer_address(from));
		TlsConnection tls;
		if ((has_tls && !certificate_.is_loaded()) ||
			clients_.size() >= size_t(server_.options.max_connections) ||
			(!proxy && count >= server_.options.max_connections_per_address) ||
			(has_tls && !(tls = certificate_.connection(fd)))) {
			turned_away_++;
			if (count == 0)
				per_address_.erase(address);
			close(fd);
			continue;
		}
		count++;
		const int on = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
				   sizeof on); // fails on a Unix socket, which has no such option
		clients_.emplace_back(server_, fd, std::move(tls), peer_address(from));
	}
}

/* ---- messages of the worker ---- */

void
ServeDesk::handle(const wire::Frame &frame)
{
	std::visit([this](const auto &message) { take(message); },
			   desk_message<wire::ServeToNet, wire::ServeSettings>(frame, settled_));
}

void
ServeDesk::take(const wire::ServeSettings &settings)
{
	settled_ = true;
	server_.options = {.max_connections = settings.max_connections,
					   .max_connections_per_address = settings.max_connections_per_address,
					   .max_subscriptions = settings.max_subscriptions,
					   .name = std::string(settings.name),
					   .description = std::string(settings.description),
					   .contact = std::string(settings.contact),
					   .version = std::string(settings.version)};
	tls_ = settings.tls;
	server_.proxies = AddressRanges(settings.trusted_proxies);
	server_.metrics_readers = AddressRanges(settings.metrics_networks);
	server_.admission.take(settings);
}

void
ServeDesk::take(const wire::ServerCertificate &certificate)
{
	certificate_fault_ = certificate_.load(certificate.chain, certificate.key);
	tell_certificate();
}

void
ServeDesk::tell_certificate()
{
	certificate_doubt_ = certificate_.doubt();
	link_.send(wire::CertificateTaken{.fault = certificate_fault_, .doubt = certificate_doubt_});
}

void
ServeDesk::take(const wire::Routes &routes)
{
	server_.routes.take(routes);
	listen(true);
}

void
ServeDesk::take(const wire::Rows &rows)
{
	auto found = calls_.find(rows.call);
	if (found == calls_.end())
		throw LinkError("rows of a call that has ended");
	if (Caller *caller = found->second.caller)
		caller->on_rows(rows);
}

void
ServeDesk::take(const wire::CallEnd &end)
{
	auto found = calls_.find(end.call);
	if (found == calls_.end())
		throw LinkError("a second end of a call");
	const OpenCall call = found->second;
	calls_.erase(found);
	if (call.visitor)
		server_.admission.call_ended(*call.visitor);
	if (call.is_charged)
		server_.admission.charge(*call.visitor, end);
	if (call.caller)
		call.caller->on_end(end);
}

/* ---- calls of clients ---- */

uint64_t
ServeDesk::begin(const ApiRoute &route, const Arguments &arguments, Caller &caller,
				 const Visitor *visitor, int32_t cost_limit)
{
	if (calls_.size() >= wire::kMaxOpenCalls)
		return 0;
	wire::CallRoute call{.number = ++last_call_, .route = route.number, .cost_limit = cost_limit};
	for (const auto &argument : arguments)
		call.arguments.push_back(
			{.given = argument.has_value(), .value = argument ? std::string_view(*argument) : ""});
	calls_[call.number] = {.caller = &caller,
						   .visitor = visitor ? std::optional(*visitor) : std::nullopt,
						   .is_charged = visitor && !route.scope.empty()};
	if (visitor)
		server_.admission.call_began(*visitor);
	link_.send(call);
	return call.number;
}

void
ServeDesk::taken(uint64_t call)
{
	if (calls_.contains(call))
		link_.send(wire::RowsTaken{.call = call});
}

void
ServeDesk::cancel(uint64_t call)
{
	auto found = calls_.find(call);
	if (found == calls_.end() || !found->second.caller)
		return;
	found->second.caller = nullptr;
	link_.send(wire::CallCancel{.call = call});
}

/* ---- time ---- */

void
ServeDesk::tick()
{
	if (!accepting_ && settled_ && accept_again_ != Clock::Time{} &&
		clock_.now() >= accept_again_) {
		accept_again_ = {};
		listen(true);
	}
	for (Client &client : clients_)
		client.tick();
	if (clock_.now() - told_uses_ < kTellUses)
		return;
	told_uses_ = clock_.now();
	/* A certificate may expire while it is in use. */
	if (certificate_.is_loaded() && certificate_.doubt() != certificate_doubt_)
		tell_certificate();
	if (wire::KeyUses message{.uses = server_.admission.uses()}; !message.uses.empty())
		link_.send(message);
}

void
ServeDesk::end_of_turn()
{
	for (auto client = clients_.begin(); client != clients_.end();) {
		if (!client->gone()) {
			++client;
			continue;
		}
		auto found = per_address_.find(counted_address(client->address()));
		if (found != per_address_.end() && --found->second == 0)
			per_address_.erase(found);
		client = clients_.erase(client);
	}
}

std::vector<wire::Gauge>
ServeDesk::gauges() const
{
	int64_t sockets = 0, streams = 0;
	for (const Client &client : clients_) {
		sockets += client.session() != nullptr;
		streams += client.stream() != nullptr;
	}
	return {{"connections", int64_t(clients_.size())},
			{"web_sockets", sockets},
			{"streams", streams},
			{"open_calls", int64_t(calls_.size())},
			{"requests", server_.requests},
			{"requests_refused", server_.refused},
			{"nostr_messages", server_.messages},
			{"connections_turned_away", turned_away_}};
}

} // namespace net
