/* What is known of the certificate that a host shows, whether it is good or not. */
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
	std::vector<std::string> names;        // DNS names and addresses, the first ones
	int64_t not_before = 0, not_after = 0; // Unix seconds
	std::array<uint8_t, 32> fingerprint{}; // SHA-256
	std::string protocol;                  // "TLSv1.3"; empty: no session
	std::string fault;                     // why it is not valid; empty: it is
};

/* Verifies as OpenSSL does, and remembers the certificate and the result with the connection. */
void remember_certificates(SSL_CTX *context);
/* Nothing if the host has shown none. */
std::optional<CertificateFacts> certificate_facts(const SSL *ssl);

} // namespace net
