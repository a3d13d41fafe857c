#include "net/transport/client_hosts.h"

#include <chrono>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "net/transport/certificate_facts.h"
#include "net/transport/connection.h"
#include "net/transport/deflate.h"
#include "net/transport/screening.h"

namespace net {

using SteadyTime = std::chrono::steady_clock::time_point;

static const lws_protocols protocols[] = {{"relay", connection_callback, 0, Reactor::kReadSize},
										  {}};

/* The dialer has its own timeouts, so this one is long. */
constexpr unsigned kConnectSeconds = 3600;

static int
started_index()
{
	static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
	return index;
}

SteadyTime
tls_started(const SSL *ssl)
{
	auto ticks = reinterpret_cast<intptr_t>(SSL_get_ex_data(ssl, started_index()));
	return SteadyTime(SteadyTime::duration(ticks));
}

/*
 * Sets the name or address that the certificate must contain. libwebsockets takes the host of the
 * URL for a name and cuts it at the first colon. If the host is an address, the certificate must
 * name that address, and no server name is sent (RFC 6066). The connection then goes to the same
 * address.
 */
static void
expect_address(SSL *ssl)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	in_addr four;
	if (!name || (*name != '[' && inet_pton(AF_INET, name, &four) != 1))
		return;
	sockaddr_storage peer{};
	socklen_t size = sizeof peer;
	if (getpeername(SSL_get_fd(ssl), reinterpret_cast<sockaddr *>(&peer), &size) != 0)
		return;
	std::string address = address_text(reinterpret_cast<sockaddr *>(&peer));
	X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);
	if (X509_VERIFY_PARAM_set1_ip_asc(wanted, address.c_str()) == 1)
		X509_VERIFY_PARAM_set1_host(wanted, nullptr, 0);
	SSL_set_tlsext_host_name(ssl, nullptr);
}

static void
handshake_started(const SSL *ssl, int where, int)
{
	if ((where & SSL_CB_HANDSHAKE_START) == 0 || tls_started(ssl) != SteadyTime{})
		return;
	auto *one = const_cast<SSL *>(ssl);
	auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
	SSL_set_ex_data(one, started_index(), reinterpret_cast<void *>(intptr_t(ticks)));
	expect_address(one);
}

ClientHosts::ClientHosts(Reactor &reactor, std::function<void(const std::string &)> warn)
	: reactor_(reactor), warn_(std::move(warn))
{
	lws_context_creation_info host{};
	host.port = CONTEXT_PORT_NO_LISTEN;
	host.connect_timeout_secs = kConnectSeconds;
	host.protocols = protocols;
	host.extensions = kExtensions;
	host.vhost_name = "plain";
	plain_ = lws_create_vhost(reactor_.context(), &host);
	if (!plain_)
		throw std::runtime_error("could not create the host of plain connections");
}

static X509_STORE *
load_certificates(const std::string &ca_file)
{
	X509_STORE *store = X509_STORE_new();
	if (store &&
		(ca_file.empty() ? X509_STORE_set_default_paths(store)
						 : X509_STORE_load_locations(store, ca_file.c_str(), nullptr)) == 1)
		return store;
	X509_STORE_free(store);
	return nullptr;
}

/* The text of OpenSSL's oldest error, which is the cause of the later ones. */
static std::string
openssl_fault()
{
	unsigned long code = ERR_peek_error();
	const char *text = ERR_reason_error_string(code);
	std::string fault = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
						: text                 ? text
											   : "unknown fault";
	ERR_clear_error();
	return fault;
}

lws_vhost *
ClientHosts::tls(const std::string &ca_file, std::string &fault)
{
	if (tls_ && ca_file_ == ca_file)
		return tls_;

	ERR_clear_error();
	certificates_ = load_certificates(ca_file);
	if (!certificates_) {
		fault = std::string("could not load the certificates of ") +
				(ca_file.empty() ? "the system" : "tls_ca_file") + ": " + openssl_fault();
		if (warned_ != ca_file)
			warn_(fault);
		warned_ = ca_file;
		return nullptr;
	}
	lws_context_creation_info host{};
	host.port = CONTEXT_PORT_NO_LISTEN;
	host.connect_timeout_secs = kConnectSeconds;
	host.protocols = protocols;
	host.extensions = kExtensions;
	host.vhost_name = "tls";
	host.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	host.user = this;
	lws_vhost *made = lws_create_vhost(reactor_.context(), &host);
	if (!made || certificates_)
		throw std::runtime_error("could not create the host of TLS connections");
	if (tls_)
		lws_vhost_destroy(tls_);
	tls_ = made;
	ca_file_ = ca_file;
	warned_.clear();
	return tls_;
}

void
ClientHosts::configure(lws_vhost *host, SSL_CTX *context)
{
	auto &hosts = *static_cast<ClientHosts *>(lws_vhost_user(host));
	SSL_CTX_set_cert_store(context, hosts.certificates_); // the context owns it now
	hosts.certificates_ = nullptr;
	/* Most connections are idle, so TLS releases its buffers. */
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_info_callback(context, handshake_started);
	remember_certificates(context);
}

} // namespace net
