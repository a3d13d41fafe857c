#include "certificate.h"

#include <atomic>
#include <cstdio>
#include <filesystem>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace test {

static std::string
new_path()
{
	static std::atomic<int> made{0};
	std::string name =
		"bigbrotr-test-" + std::to_string(getpid()) + "-" + std::to_string(made++) + ".pem";
	return std::filesystem::temp_directory_path() / name;
}

Certificate::Certificate(const std::string &names, int valid_for_seconds) : path_(new_path())
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), valid_for_seconds);
	X509_set_pubkey(cert, key);
	X509_NAME *name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
							   reinterpret_cast<const unsigned char *>("test"), -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_EXTENSION *alt =
		X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
	X509_add_ext(cert, alt, -1);
	X509_EXTENSION_free(alt);
	X509_sign(cert, key, EVP_sha256());
	FILE *file = std::fopen(path_.c_str(), "w");
	PEM_write_X509(file, cert);
	PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
	std::fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

Certificate::~Certificate()
{
	std::filesystem::remove(path_);
}

} // namespace test
