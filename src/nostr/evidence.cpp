#include "evidence.h"

#include <iterator>

namespace nostr {

static constexpr const char *kEvidence[] = {"partial", "paged", "confirmed", "reconciled"};
static_assert(std::size(kEvidence) == size_t(kLastEvidence) + 1);

static constexpr DoubtFacts kFacts[] = {
	{"unordered", false,
	 "events did not come newest first; the range was read in small windows whose halves agree"},
	{"notice", true, "the relay sent a NOTICE while it answered"},
	{"auth", false, "the relay asked for authentication; strangers may be shown only a part"},
	{"more", true, "the relay said that it holds more (NIP-67)"},
	{"refused", false, "events of the range were delivered and not archived"},
	{"foreign", true, "the relay sent what was not asked for, or under another subscription"},
	{"boundary", true, "the second where a page had ended was not shown again as it was before"},
	{"hole", true, "the relay left out events between others, or did not say whether it did"},
	{"end_unprobed", true,
	 "nothing older came, but the relay did not show that it would have sent it"},
	{"dense", true, "one second holds more events than the relay shows in an answer"},
	{"late", true, "events came after the relay had said that all were sent"},
	{"clock", false, "the clock of this server disagrees with those of the relays"},
	{"backpressure", true, "this server did not read fast enough, or dropped events"},
	{"smaller", true, "less was shown than the time before"},
	{"contradicted", true, "a later reading found more"},
	{"unencrypted", false, "the connection was not encrypted: others may have changed the answers"},
	{"withheld", false, "the relay offers ids whose events it does not serve (NIP-77)"}};
static_assert(std::size(kFacts) == kDoubts);

const char *
evidence_name(Evidence evidence)
{
	return kEvidence[size_t(evidence)];
}

std::optional<Evidence>
evidence_of(std::string_view name)
{
	for (size_t i = 0; i < std::size(kEvidence); i++)
		if (name == kEvidence[i])
			return static_cast<Evidence>(i);
	return std::nullopt;
}

const DoubtFacts &
doubt_facts(Doubt doubt)
{
	return kFacts[size_t(doubt)];
}

bool
Doubts::cut() const
{
	bool cuts = false;
	for_each([&](Doubt doubt) { cuts |= doubt_facts(doubt).cuts; });
	return cuts;
}

} // namespace nostr
