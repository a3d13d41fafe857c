/* The relay's side of NIP-77, right and wrong. */
#include "conversation.h"
#include "nostr/negentropy.h"

namespace simulator {
namespace {

constexpr size_t kFrame = 250000;
constexpr size_t kManyRecords = 200; // too many for Negentropy::Blocked

std::string
from_hexadecimal(std::string_view hex)
{
	std::string bytes(hex.size() / 2, '\0');
	if (!nostr::from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size()))
		bytes.clear();
	return bytes;
}

} // namespace

void
Conversation::reconcile(std::string_view verb, std::string_view id, const nostr::Filter &filter,
						std::string_view message)
{
	const Negentropy kind = relay_.behaviour().negentropy;
	auto answer = [&](std::string_view hex) { say("NEG-MSG", id, hex); };
	switch (kind) {
	case Negentropy::None:
	case Negentropy::ClaimedOnly:
		return say("NOTICE", "ERROR: bad msg: negentropy disabled", "");
	case Negentropy::Silent:
		return;
	case Negentropy::Garbage:
		return answer("61ffffffffffffffffffffffff");
	case Negentropy::Equal:
		return answer("61");
	default:
		break;
	}
	if (verb == "NEG-OPEN")
		reconciling_[std::string(id)] = relay_.records(filter, node_);
	auto found = reconciling_.find(id);
	if (found == reconciling_.end())
		return say("NEG-ERR", id, "closed: unknown subscription handle");
	if (kind == Negentropy::Blocked && found->second.size() > kManyRecords) {
		reconciling_.erase(found);
		return say("NEG-ERR", id, "blocked: too many records");
	}
	std::string reply;
	if (nostr::negentropy::answer(found->second, kFrame, from_hexadecimal(message), reply) !=
		nostr::negentropy::Fault::None)
		return say("NEG-ERR", id, "invalid: cannot parse negentropy message");
	answer(nostr::to_hex(reinterpret_cast<const uint8_t *>(reply.data()), reply.size()));
}

} // namespace simulator
