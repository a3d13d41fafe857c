#include "net/transport/certificate_facts.h"

#include <memory>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/x509v3.h>

namespace net {

constexpr size_t kMaxNames = 100;

namespace {

/* The result of verifying the certificate of one connection. */
struct Verified
{
	X509 *const certificate;
	const int error;

	Verified(X509 *owned, int error) : certificate(owned), error(error) {}
	Verified(const Verified &) = delete;
	~Verified() { X509_free(certificate); }
};

void
forget(void *, void *verified, CRYPTO_EX_DATA *, int, long, void *)
{
	delete static_cast<Verified *>(verified);
}

int
verified_index()
{
	static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, forget);
	return index;
}

int
verify(X509_STORE_CTX *store, void *)
{
	int result = X509_verify_cert(store);
	auto *ssl =
		static_cast<SSL *>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
	X509 *certificate = X509_STORE_CTX_get0_cert(store);
	if (!ssl || !certificate || SSL_get_ex_data(ssl, verified_index()))
		return result;
	X509_up_ref(certificate);
	auto kept = std::make_unique<Verified>(
		certificate, result == 1 ? X509_V_OK : X509_STORE_CTX_get_error(store));
	if (SSL_set_ex_data(ssl, verified_index(), kept.get()) == 1)
		kept.release();
	return result;
}

std::string
name_text(const X509_NAME *name)
{
	std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
	if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0)
		return "";
	char *bytes = nullptr;
	long size = BIO_get_mem_data(out.get(), &bytes);
	return size > 0 ? std::string(bytes, size_t(size)) : "";
}

int64_t
unix_seconds(const ASN1_TIME *time)
{
	tm parts{};
	return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string
address_name(const ASN1_OCTET_STRING *bytes)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (bytes->length == 4 || bytes->length == 16)
		inet_ntop(bytes->length == 4 ? AF_INET : AF_INET6, bytes->data, text, sizeof text);
	return text;
}

std::vector<std::string>
names_of(const X509 *certificate)
{
	std::vector<std::string> names;
	std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> all(
		static_cast<GENERAL_NAMES *>(
			X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
		GENERAL_NAMES_free);
	for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()) && names.size() < kMaxNames; i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all.get(), i);
		if (one->type == GEN_DNS)
			names.emplace_back(reinterpret_cast<const char *>(one->d.dNSName->data),
							   size_t(one->d.dNSName->length));
		else if (one->type == GEN_IPADD)
			names.push_back(address_name(one->d.iPAddress));
	}
	return names;
}

} // namespace

void
remember_certificates(SSL_CTX *context)
{
	SSL_CTX_set_cert_verify_callback(context, verify, nullptr);
}

std::optional<CertificateFacts>
certificate_facts(const SSL *ssl)
{
	const auto *verified = static_cast<Verified *>(SSL_get_ex_data(ssl, verified_index()));
	if (!verified)
		return std::nullopt;
	const X509 *certificate = verified->certificate;
	CertificateFacts facts;
	facts.issuer = name_text(X509_get_issuer_name(certificate));
	facts.subject = name_text(X509_get_subject_name(certificate));
	facts.names = names_of(certificate);
	facts.not_before = unix_seconds(X509_get0_notBefore(certificate));
	facts.not_after = unix_seconds(X509_get0_notAfter(certificate));
	unsigned size = 0;
	X509_digest(certificate, EVP_sha256(), facts.fingerprint.data(), &size);
	if (SSL_is_init_finished(ssl))
		facts.protocol = SSL_get_version(ssl);
	if (verified->error != X509_V_OK)
		facts.fault = X509_verify_cert_error_string(verified->error);
	return facts;
}

} // namespace net
