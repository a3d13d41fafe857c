#include "workers/api/listeners.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static constexpr int kBacklog = 1024; // connections that wait for accept()

namespace {

const sockaddr *
generic(const ListenAddress &address)
{
	return reinterpret_cast<const sockaddr *>(&address.address);
}

const char *
path_of(const ListenAddress &address)
{
	return reinterpret_cast<const sockaddr_un &>(address.address).sun_path;
}

int
new_socket(const ListenAddress &address)
{
	return socket(address.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Whether the path is a socket without a listener, which a killed server leaves behind. */
bool
is_left_over(const ListenAddress &address)
{
	struct stat status;
	if (lstat(path_of(address), &status) != 0 || !S_ISSOCK(status.st_mode))
		return false;
	int probe = new_socket(address);
	if (probe < 0)
		return false;
	bool refused = connect(probe, generic(address), address.size) != 0 && errno == ECONNREFUSED;
	::close(probe);
	return refused;
}

/* Returns the name of the operation that failed, with errno set; null: none failed. */
const char *
listen_on(int descriptor, const ListenAddress &address)
{
	int on = 1;
	if (!address.is_unix() && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
		return "set SO_REUSEADDR on";
	if (address.address.ss_family == AF_INET6 &&
		setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
		return "set IPV6_V6ONLY on";
	if (address.is_unix() && is_left_over(address))
		unlink(path_of(address));
	if (bind(descriptor, generic(address), address.size) != 0)
		return "bind";
	/* Everybody may connect to the socket, because the API is public. */
	if (address.is_unix() && chmod(path_of(address), 0777) != 0)
		return "set the permissions of";
	if (listen(descriptor, kBacklog) != 0)
		return "listen on";
	return nullptr;
}

const char *
cure(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another program uses it: end that program, or change bigbrotr.api_listen";
	case EADDRNOTAVAIL:
		return "this machine has no such address: change bigbrotr.api_listen";
	case EACCES:
		return "the server's user may not: choose a port from 1024 on, or another directory";
	default:
		return "it is tried again every 5 s";
	}
}

} // namespace

Listeners::~Listeners()
{
	for (Listener &listener : listeners_)
		close(listener);
}

void
Listeners::close(Listener &listener)
{
	::close(listener.descriptor);
	if (listener.address.is_unix())
		unlink(path_of(listener.address));
}

void
Listeners::open(std::string name)
{
	ListenAddress address;
	if (parse_listen_address(name, address) != nullptr)
		return; // the check hook of the setting refuses such an element
	int descriptor = new_socket(address);
	const char *failed = descriptor < 0 ? "open" : listen_on(descriptor, address);
	if (failed == nullptr) {
		listeners_.push_back(
			{.name = std::move(name), .address = address, .descriptor = descriptor});
		return;
	}
	int error = errno;
	if (descriptor >= 0)
		::close(descriptor);
	if (fault_.empty())
		fault_ = std::string("could not ") + failed + " " + name + ": " + strerror(error) + "; " +
				 cure(error);
}

bool
Listeners::follow(const char *list)
{
	std::vector<std::string> wanted;
	std::string_view rest = list, element;
	while (pg::next_element(rest, element))
		wanted.emplace_back(element);
	auto is_wanted = [&](const Listener &listener) {
		return std::find(wanted.begin(), wanted.end(), listener.name) != wanted.end();
	};
	size_t changes = 0;
	for (Listener &listener : listeners_)
		if (!is_wanted(listener)) {
			close(listener);
			changes++;
		}
	std::erase_if(listeners_, [&](const Listener &listener) { return !is_wanted(listener); });
	size_t kept = listeners_.size();
	fault_.clear();
	for (std::string &name : wanted)
		if (std::none_of(listeners_.begin(), listeners_.end(),
						 [&](const Listener &listener) { return listener.name == name; }))
			open(std::move(name));
	changes += listeners_.size() - kept;
	generation_ += changes > 0;
	return changes > 0;
}

std::vector<int>
Listeners::descriptors() const
{
	std::vector<int> descriptors;
	for (const Listener &listener : listeners_)
		descriptors.push_back(listener.descriptor);
	return descriptors;
}

std::string
Listeners::tls() const
{
	std::string tls;
	for (const Listener &listener : listeners_)
		tls += listener.address.has_tls ? '1' : '0';
	return tls;
}
