/* Facts about the certificate that a host has shown, valid or not. */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <openssl/ssl.h>

namespace net {

struct CertificateFacts
{
	std::string issuer, subject;           // RFC 2253
	std::vector<std::string> names;        // DNS names and addresses; only the first ones
	int64_t not_before = 0, not_after = 0; // Unix seconds
	std::array<uint8_t, 32> fingerprint{}; // SHA-256
	std::string protocol;                  // "TLSv1.3"; empty: no TLS session
	std::string fault;                     // why the certificate is not valid; empty: it is
};

/* Lets the context verify as OpenSSL does and keep certificate and result with each connection. */
void remember_certificates(SSL_CTX *context);
/* Nothing if the host has not shown a certificate. */
std::optional<CertificateFacts> certificate_facts(const SSL *ssl);

} // namespace net
