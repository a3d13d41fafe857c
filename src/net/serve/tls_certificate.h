/*
 * The certificate of the server's TLS, which creates TLS connections. When a new certificate is
 * loaded, existing connections keep the old one.
 */
#pragma once

#include <memory>
#include <string>
#include <string_view>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace net {

struct TlsFree
{
	void operator()(SSL *connection) const;
	void operator()(SSL_CTX *context) const;
};
using TlsConnection = std::unique_ptr<SSL, TlsFree>;

class TlsCertificate
{
  public:
	/* Loads PEM texts: the server's certificate with the intermediate ones, and its private key.
	 * Returns a sentence about the fault, and keeps the certificate loaded before; "": none. */
	std::string load(std::string_view chain, std::string_view key);
	bool is_loaded() const { return context_ != nullptr; }
	/* Why clients refuse the loaded certificate: it has expired or is not valid yet; "" if
	 * valid. */
	std::string doubt() const;
	/* The server's side of a new connection; null if memory is short. */
	TlsConnection connection(int fd) const;

  private:
	std::unique_ptr<SSL_CTX, TlsFree> context_;
};

} // namespace net
