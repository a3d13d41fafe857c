#include "workers/api/tls_files.h"

#include <algorithm>
#include <cstring>

#include "pg/work/small_file.h"
#include "workers/api/settings.h"

namespace {

/* A secret whose destructor erases it from memory. */
struct Secret
{
	~Secret() { explicit_bzero(bytes.data(), bytes.size()); }
	std::string bytes;
};

/* Reads a file. Returns a description of the fault; empty: none. */
std::string
read(const char *setting, const char *path, pg::Access access, std::string &bytes)
{
	std::string wrong = *path == '\0' ? "no file is named"
									  : pg::read_small_file(path, wire::kMaxPem, access, bytes);
	if (wrong.empty() && std::any_of(bytes.begin(), bytes.end(),
									 [](char c) { return c == '\0' || (c & 0x80) != 0; }))
		wrong = "it is not PEM";
	return wrong.empty() ? "" : "could not read bigbrotr." + std::string(setting) + ": " + wrong;
}

} // namespace

void
TlsFiles::send(pg::Worker &worker, bool wanted)
{
	if (!wanted)
		return fault_.clear();
	Secret chain, key;
	std::string wrong =
		read("api_tls_certificate", api_settings.tls_certificate, pg::Access::Any, chain.bytes);
	if (wrong.empty())
		wrong = read("api_tls_key", api_settings.tls_key, pg::Access::Owner, key.bytes);
	if (!wrong.empty()) {
		fault_ = std::move(wrong);
		return;
	}
	Secret frame{.bytes =
					 wire::encode(wire::ServerCertificate{.chain = chain.bytes, .key = key.bytes})};
	worker.send_frame(frame.bytes);
}

void
TlsFiles::taken(const wire::CertificateTaken &message)
{
	if (!message.fault.empty())
		fault_ = "could not use the files of bigbrotr.api_tls_certificate and api_tls_key: " +
				 std::string(message.fault);
	else if (!message.doubt.empty())
		fault_ = "clients refuse bigbrotr.api_tls_certificate: " + std::string(message.doubt) +
				 "; replace the files and reload";
	else
		fault_.clear();
}
