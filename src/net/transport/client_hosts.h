/*
 * libwebsockets' virtual hosts for outgoing connections: one without TLS, and one with TLS that
 * trusts the configured certificates.
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
	/* `warn` gets one message for each file that cannot be read. */
	ClientHosts(Reactor &reactor, std::function<void(const std::string &)> warn);
	ClientHosts(const ClientHosts &) = delete;

	lws_vhost *plain() const { return plain_; }
	/*
	 * The host that trusts the certificates of `ca_file`, or the system's certificates if `ca_file`
	 * is empty. Null with a text in `fault` if they cannot be loaded. Closes connections that
	 * trusted other certificates.
	 */
	lws_vhost *tls(const std::string &ca_file, std::string &fault);

	/* Configures the context of a TLS host that is being created; the protocol's callback must call
	 * this. */
	static void configure(lws_vhost *host, SSL_CTX *context);

  private:
	Reactor &reactor_;
	std::function<void(const std::string &)> warn_;
	lws_vhost *plain_ = nullptr;
	lws_vhost *tls_ = nullptr;
	std::string ca_file_;                   // file of tls_
	std::string warned_;                    // file of the last warning
	x509_store_st *certificates_ = nullptr; // set while tls_ is being created
};

/* When the TLS handshake began; zero if it has not begun. */
std::chrono::steady_clock::time_point tls_started(const SSL *ssl);

} // namespace net
