#include "workers/dvm/work.h"

#include <array>
#include <stdexcept>

#include <openssl/rand.h>

Work::Work(const nostr::Signer &signer, nostr::Event request, std::string relay_url)
	: signer_(signer), request_(std::move(request)), relay_url_(std::move(relay_url)),
	  envelope_(nostr::job_envelope(request_.tags))
{
	if (envelope_.encrypted)
		point_ = signer_.shared_point(request_.pubkey);
}

std::optional<Work::Inputs>
Work::inputs() const
{
	if (!envelope_.encrypted)
		return Inputs{.tags = request_.tags, .content = request_.content};
	if (!point_)
		return std::nullopt;
	std::optional<std::string> text =
		nostr::looks_like_nip04(request_.content)
			? nostr::nip04_decrypt(*point_, request_.content)
			: nostr::nip44_decrypt(nostr::conversation_key(*point_), request_.content);
	if (!text || text->find('\0') != text->npos)
		return std::nullopt;
	return Inputs{.tags = *std::move(text), .content = ""};
}

/* Encrypts a text by the method that the request used. */
std::string
Work::sealed(std::string_view text) const
{
	std::array<uint8_t, 32> random;
	if (RAND_bytes(random.data(), random.size()) != 1)
		throw std::runtime_error("no randomness for an answer");
	if (!nostr::looks_like_nip04(request_.content))
		return nostr::nip44_encrypt(nostr::conversation_key(point_.value()), text, random);
	std::array<uint8_t, 16> iv;
	std::copy(random.begin(), random.begin() + iv.size(), iv.begin());
	return nostr::nip04_encrypt(point_.value(), text, iv);
}

nostr::Event
Work::result(std::string_view content, int64_t now) const
{
	nostr::Event event = nostr::job_result(
		heard(), envelope_.encrypted ? sealed(content) : std::string(content), now);
	signer_.sign(event);
	return event;
}

/* A request that was encrypted for somebody else gets an unencrypted answer, which contains nothing
 * secret. */
nostr::Event
Work::status(const nostr::JobStatus &status, int64_t now) const
{
	std::optional<std::string> content;
	if (envelope_.encrypted && point_)
		content = sealed(nostr::job_status_tags(status));
	nostr::Event event = nostr::job_status(heard(), status, content, now);
	signer_.sign(event);
	return event;
}
