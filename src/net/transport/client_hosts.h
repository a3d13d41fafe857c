/*
 * libwebsockets' virtual hosts of outgoing connections: one for plain ones, one for TLS with the
 * certificates that are trusted.
 */
#pragma once

#include <functional>
#include <string>

#include <libwebsockets.h>

#include "net/core/reactor.h"

namespace net {

class ClientHosts
{
  public:
	/* `warn` is told once of each file that cannot be read. */
	ClientHosts(Reactor &reactor, std::function<void(const std::string &)> warn);
	ClientHosts(const ClientHosts &) = delete;

	lws_vhost *plain() const { return plain_; }
	/*
	 * The host that trusts the certificates of `ca_file`, or those of the system if it is empty.
	 * Null if they cannot be loaded: then `fault` says why. Connections that trusted other
	 * certificates are closed.
	 */
	lws_vhost *tls(const std::string &ca_file, std::string &fault);

	/* The context of a TLS host that is being made. For the callback of its protocol. */
	static void configure(lws_vhost *host, SSL_CTX *context);

  private:
	Reactor &reactor_;
	std::function<void(const std::string &)> warn_;
	lws_vhost *plain_ = nullptr;
	lws_vhost *tls_ = nullptr;
	std::string ca_file_;                   // of tls_
	std::string warned_;                    // the file of the last warning
	x509_store_st *certificates_ = nullptr; // while tls_ is being made
};

/* When the TLS handshake began; zero if it did not. */
std::chrono::steady_clock::time_point tls_started(const SSL *ssl);

} // namespace net
