#include "certificates.h"

#include <cstdio>
#include <stdexcept>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace farm {

constexpr const char *kAuthority = "farm authority";
constexpr long kDay = 86400;

static void
add_extension(X509 *certificate, int nid, const std::string &value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
	if (!extension || X509_add_ext(certificate, extension, -1) != 1)
		throw std::runtime_error("cannot make a certificate");
	X509_EXTENSION_free(extension);
}

Certificates::Certificates()
	: authority_key_(EVP_EC_gen("P-256")), key_(EVP_EC_gen("P-256")),
	  context_(SSL_CTX_new(TLS_server_method()))
{
	authority_ = make(kAuthority, "", -kDay, 30 * kDay, true);
}

/* Times: seconds from now. */
Certificates::Certificate
Certificates::make(const std::string &subject, const std::string &names, long from, long until,
				   bool self_signed) const
{
	static long serial = 1;
	Certificate certificate(X509_new());
	X509 *one = certificate.get();
	const bool is_authority = subject == kAuthority;
	X509_set_version(one, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(one), serial++);
	X509_gmtime_adj(X509_getm_notBefore(one), from);
	X509_gmtime_adj(X509_getm_notAfter(one), until);
	X509_set_pubkey(one, is_authority ? authority_key_.get() : key_.get());
	X509_NAME *name = X509_get_subject_name(one);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
							   reinterpret_cast<const unsigned char *>(subject.c_str()), -1, -1, 0);
	X509_set_issuer_name(one, self_signed ? name : X509_get_subject_name(authority_.get()));
	if (is_authority)
		add_extension(one, NID_basic_constraints, "critical,CA:TRUE");
	else
		add_extension(one, NID_subject_alt_name, names);
	const bool by_authority = is_authority || !self_signed;
	if (X509_sign(one, by_authority ? authority_key_.get() : key_.get(), EVP_sha256()) == 0)
		throw std::runtime_error("cannot sign a certificate");
	return certificate;
}

void
Certificates::write_authority(const std::string &file) const
{
	FILE *out = fopen(file.c_str(), "w");
	const bool written = out && PEM_write_X509(out, authority_.get()) == 1;
	if (!out || fclose(out) != 0 || !written)
		throw std::runtime_error("cannot write " + file);
}

SSL *
Certificates::new_session(const Relay &relay) const
{
	const bool expired = relay.kind == Kind::TlsExpired;
	const std::string names =
		relay.kind == Kind::TlsWrongName ? "DNS:other.farm.example" : "IP:" + relay.address;
	Certificate certificate = make(relay.address, names, expired ? -2 * kDay : -kDay,
								   expired ? -kDay : 30 * kDay, relay.kind == Kind::TlsSelfSigned);
	SSL *session = SSL_new(context_.get());
	if (!session || SSL_use_certificate(session, certificate.get()) != 1 ||
		SSL_use_PrivateKey(session, key_.get()) != 1)
		throw std::runtime_error("cannot use a certificate");
	/* A megabyte. */
	for (int i = 0; relay.kind == Kind::TlsHugeChain && i < 2500; i++)
		SSL_add1_chain_cert(session, authority_.get());
	SSL_set_bio(session, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(session);
	return session;
}

} // namespace farm
