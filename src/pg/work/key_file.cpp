#include "key_file.h"

#include <cstring>
#include <stdexcept>

#include "nostr/auth.h"
#include "pg/border/settings.h"
#include "small_file.h"
#include "worker.h"

namespace pg {

namespace {

constexpr size_t kMostBytes = 256; // size limit of the file

/* Sets the signer. Returns a description of the fault; empty: none. */
std::string
read_signer(const char *path, std::optional<nostr::Signer> &signer)
{
	std::string text;
	std::string fault = read_small_file(path, kMostBytes, Access::Owner, text);
	auto key = fault.empty() ? nostr::parse_secret_key(text) : std::nullopt;
	explicit_bzero(text.data(), text.size());
	if (!fault.empty())
		return fault;
	if (!key)
		return "it holds neither nsec1... nor a secret key of 64 hex digits";
	try {
		signer.emplace(*key);
	} catch (const std::invalid_argument &) {
		fault = "it holds a number that is not a secret key";
	}
	explicit_bzero(key->data(), key->size());
	return fault;
}

} // namespace

void
KeyFile::read(Worker &worker)
{
	const char *path = settings::key_file;
	signer_.reset();
	std::string fault;
	if (*path)
		fault = read_signer(path, signer_);
	if (!fault.empty() && fault != fault_)
		worker.log(wire::LogLevel::Warning, "could not use the key of bigbrotr.key_file: " + fault);
	fault_ = fault;
}

void
KeyFile::sign_in(Worker &worker, const wire::SignIn &question, std::string_view url) const
{
	const nostr::Event event = nostr::auth_event(*signer_, url, question.challenge, worker.now());
	const std::string text = nostr::to_json(event);
	worker.send(wire::SignedIn{.relay_id = question.relay_id,
							   .attempt = question.attempt,
							   .id = &event.id,
							   .event = text});
}

} // namespace pg
