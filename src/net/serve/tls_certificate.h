/*
 * The certificate of the server's own TLS, from which connections are made. Those that exist keep
 * the one that they began with when another one is loaded.
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
	/* PEM: the server's certificate and those between it and a root; its private key. "" or what
	 * is wrong, in words: then the one that was loaded before stays. */
	std::string load(std::string_view chain, std::string_view key);
	bool is_loaded() const { return context_ != nullptr; }
	/* What is wrong with the one that is loaded: it is not valid yet, or no longer; "". */
	std::string doubt() const;
	/* The server's side of a new connection; null: there is no memory. */
	TlsConnection connection(int fd) const;

  private:
	std::unique_ptr<SSL_CTX, TlsFree> context_;
};

} // namespace net
