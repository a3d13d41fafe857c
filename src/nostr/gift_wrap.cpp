#include "gift_wrap.h"

#include "encryption.h"
#include "tag_list.h"

namespace nostr {

constexpr int32_t kSeal = 13, kPrivateMessage = 14, kGiftWrap = 1059;
constexpr int64_t kMostAge = 2 * 86400; // seconds, of NIP-59

/* The message is not signed, so that its author can deny it. */
static std::string
unsigned_json(Event &message)
{
	message.id = compute_id(message);
	message.sig = {};
	std::string json = to_json(message);
	json.resize(json.rfind(",\"sig\":"));
	return json + '}';
}

std::optional<Event>
gift_wrap(const Signer &author, const PublicKey &reader, PrivateMessage message, int64_t now,
		  const WrapRandomness &random)
{
	const Signer unknown(random.key);
	const auto inner = author.shared_point(reader), outer = unknown.shared_point(reader);
	if (!inner || !outer)
		return std::nullopt;
	TagList to;
	to.add({"p", to_hex(view(reader))});
	Event letter = event_of(kPrivateMessage, message.written_at, to, std::move(message.text));
	letter.pubkey = author.pubkey();
	Event seal =
		event_of(kSeal, now - random.ages[0] % kMostAge, TagList(),
				 nip44_encrypt(conversation_key(*inner), unsigned_json(letter), random.seal_nonce));
	author.sign(seal);
	Event wrap =
		event_of(kGiftWrap, now - random.ages[1] % kMostAge, std::move(to),
				 nip44_encrypt(conversation_key(*outer), to_json(seal), random.wrap_nonce));
	unknown.sign(wrap);
	return wrap;
}

} // namespace nostr
