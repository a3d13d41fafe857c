#include "net/serve/tls_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace net {
namespace {

struct Free
{
	void operator()(BIO *bio) const { BIO_free(bio); }
	void operator()(X509 *certificate) const { X509_free(certificate); }
	void operator()(EVP_PKEY *key) const { EVP_PKEY_free(key); }
};
template <class T> using Owned = std::unique_ptr<T, Free>;

/* The text of OpenSSL's oldest error, which is the cause of the later ones. */
std::string
fault(const char *what)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());
	ERR_clear_error();
	return std::string(what) + (text ? std::string(": ") + text : "");
}

Owned<BIO>
source(std::string_view pem)
{
	return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

/* Refuses keys with a password, because nobody could type it. */
int
no_password(char *, int, int, void *)
{
	return 0;
}

constexpr unsigned char kProtocols[] = "\x08http/1.1"; // with its length in front

int
select_protocol(SSL *, const unsigned char **chosen, unsigned char *size,
				const unsigned char *offered, unsigned offered_size, void *)
{
	unsigned char *found = nullptr;
	if (SSL_select_next_proto(&found, size, kProtocols, sizeof kProtocols - 1, offered,
							  offered_size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

std::string
load_chain(SSL_CTX *context, std::string_view pem)
{
	Owned<BIO> bio = source(pem);
	Owned<X509> first(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_password, nullptr));
	if (!first)
		return fault("the certificate is not PEM");
	if (SSL_CTX_use_certificate(context, first.get()) != 1)
		return fault("the certificate cannot be used");
	while (Owned<X509> next{PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)}) {
		if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
			return fault("a certificate of its chain cannot be used");
		next.release();
	}
	/* The loop ends with the error "no start line" at the end of the text; other errors are
	 * faults. */
	const unsigned long last = ERR_peek_last_error();
	if (ERR_GET_LIB(last) != ERR_LIB_PEM || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		return fault("a certificate of its chain is not PEM");
	ERR_clear_error();
	return "";
}

std::string
load_key(SSL_CTX *context, std::string_view pem)
{
	Owned<BIO> bio = source(pem);
	Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
	if (!key)
		return fault("the key is not PEM without a password");
	if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
		return fault("the key does not belong to the certificate");
	return "";
}

} // namespace

void
TlsFree::operator()(SSL *connection) const
{
	SSL_free(connection);
}

void
TlsFree::operator()(SSL_CTX *context) const
{
	SSL_CTX_free(context);
}

std::string
TlsCertificate::load(std::string_view chain, std::string_view key)
{
	ERR_clear_error();
	std::unique_ptr<SSL_CTX, TlsFree> made(SSL_CTX_new(TLS_server_method()));
	if (!made)
		return fault("there is no memory");
	SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
	/* An end without close_notify is accepted, because requests carry their lengths. */
	SSL_CTX_set_options(made.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
										SSL_OP_IGNORE_UNEXPECTED_EOF |
										SSL_OP_CLEANSE_PLAINTEXT); // requests may contain keys
	/* The queue may move its bytes; idle connections release their buffers. */
	SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
									 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
									 SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(made.get(), select_protocol, nullptr);
	std::string wrong = load_chain(made.get(), chain);
	if (wrong.empty())
		wrong = load_key(made.get(), key);
	if (wrong.empty())
		context_ = std::move(made);
	return wrong;
}

std::string
TlsCertificate::doubt() const
{
	const X509 *certificate = context_ ? SSL_CTX_get0_certificate(context_.get()) : nullptr;
	if (!certificate)
		return "";
	if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
		return "the certificate has expired";
	if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
		return "the certificate is not valid yet";
	return "";
}

TlsConnection
TlsCertificate::connection(int fd) const
{
	TlsConnection made(SSL_new(context_.get()));
	if (made && SSL_set_fd(made.get(), fd) != 1)
		made.reset();
	if (made)
		SSL_set_accept_state(made.get());
	return made;
}

} // namespace net
