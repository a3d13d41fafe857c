#include "kind.h"

#include <algorithm>
#include <random>
#include <stdexcept>

namespace farm {

constexpr const char *kCandidate = "candidate";
constexpr const char *kOnline = "online";

/* In the order of Kind. */
constexpr Traits kTraits[] = {
	// 600 dead
	{Kind::Refused, "refused", 85, Place::Closed, kCandidate, "connection_refused", Wait::None},
	{Kind::BlackHole, "black_hole", 70, Place::Hole, kCandidate, "connect_timeout", Wait::Connect},
	{Kind::Silent, "silent", 40, Place::Plain, kCandidate, "connect_timeout", Wait::Connect},
	{Kind::NoSuchName, "no_such_name", 70, Place::Nowhere, kCandidate, "dns_failed", Wait::None},
	{Kind::FailingName, "failing_name", 10, Place::Nowhere, kCandidate, "dns_failed", Wait::None},
	{Kind::SilentName, "silent_name", 20, Place::Nowhere, kCandidate, "dns_timeout", Wait::Connect},
	{Kind::TlsExpired, "tls_expired", 30, Place::Tls, kCandidate, "bad_certificate", Wait::None},
	{Kind::TlsWrongName, "tls_wrong_name", 30, Place::Tls, kCandidate, "bad_certificate",
	 Wait::None},
	{Kind::TlsSelfSigned, "tls_self_signed", 30, Place::Tls, kCandidate, "bad_certificate",
	 Wait::None},
	{Kind::TlsNotSpoken, "tls_not_spoken", 20, Place::Tls, kCandidate, "tls_failed", Wait::None},
	{Kind::TlsSilent, "tls_silent", 10, Place::Tls, kCandidate, "connect_timeout", Wait::Connect},
	{Kind::TlsHugeChain, "tls_huge_chain", 5, Place::Tls, kCandidate, "tls_failed", Wait::None},
	{Kind::Http404, "http_404", 20, Place::Plain, kCandidate, "http_error", Wait::None},
	{Kind::Http503, "http_503", 20, Place::Plain, kCandidate, "http_error", Wait::None},
	{Kind::WebPage, "web_page", 40, Place::Plain, kCandidate, "web_server", Wait::None},
	{Kind::Redirect, "redirect", 10, Place::Plain, kCandidate, "redirect", Wait::None},
	{Kind::SlowLoris, "slow_loris", 20, Place::Plain, kCandidate, "connect_timeout", Wait::Connect},
	{Kind::Mute, "mute", 25, Place::Plain, kCandidate, "no_answer", Wait::Response},
	{Kind::Echo, "echo", 15, Place::Plain, kCandidate, "no_answer", Wait::Response},
	{Kind::DocumentOnly, "document_only", 15, Place::Plain, kCandidate, "web_server", Wait::None},
	{Kind::NotHttp, "not_http", 5, Place::Plain, kCandidate, "handshake_failed", Wait::None},
	{Kind::EndlessHead, "endless_head", 5, Place::Plain, kCandidate, "handshake_failed",
	 Wait::None},
	{Kind::FlappingDown, "flapping_down", 5, Place::Plain, kCandidate, "http_error", Wait::None},
	// 400 alive
	{Kind::Healthy, "healthy", 175, Place::Plain, kOnline, "", Wait::None},
	{Kind::Slow, "slow", 30, Place::Plain, kOnline, "", Wait::None},
	{Kind::Tls, "tls", 60, Place::Tls, kOnline, "", Wait::None},
	{Kind::Named, "named", 20, Place::Name, kOnline, "", Wait::None},
	{Kind::AuthRequired, "auth_required", 25, Place::Plain, kOnline, "", Wait::None},
	{Kind::Closes, "closes", 15, Place::Plain, kOnline, "", Wait::None},
	{Kind::NoticeOnly, "notice_only", 10, Place::Plain, kOnline, "", Wait::Response},
	{Kind::AuthOnly, "auth_only", 10, Place::Plain, kOnline, "", Wait::Response},
	{Kind::NoDocument, "no_document", 20, Place::Plain, kOnline, "", Wait::None},
	{Kind::FlappingUp, "flapping_up", 5, Place::Plain, kOnline, "", Wait::None},
	{Kind::HugeDocument, "huge_document", 10, Place::Plain, kOnline, "", Wait::None},
	{Kind::GzipBomb, "gzip_bomb", 5, Place::Plain, kOnline, "", Wait::None},
	{Kind::EndlessDocument, "endless_document", 5, Place::Plain, kOnline, "", Wait::Response},
	{Kind::Flood, "flood", 5, Place::Plain, kOnline, "", Wait::None},
	{Kind::LyingAboutNips, "lying_about_nips", 5, Place::Plain, kOnline, "", Wait::None},
};

std::span<const Traits>
all_traits()
{
	return kTraits;
}

const Traits &
traits(Kind kind)
{
	return kTraits[size_t(kind)];
}

static const Traits &
find_traits(const std::string &name)
{
	const auto *found =
		std::ranges::find_if(kTraits, [&](const Traits &one) { return name == one.name; });
	if (found == std::end(kTraits))
		throw std::invalid_argument("there is no kind " + name);
	return *found;
}

/* So many kinds, in the proportion of their shares. */
static std::vector<Kind>
by_shares(size_t count)
{
	std::vector<Kind> thousand, out;
	for (const Traits &one : kTraits)
		thousand.insert(thousand.end(), size_t(one.share), one.kind);
	for (size_t i = 0; i < count; i++)
		out.push_back(thousand[i * thousand.size() / count]);
	return out;
}

std::vector<Relay>
make_relays(uint64_t seed, size_t count, const std::vector<std::string> &only)
{
	constexpr size_t thousand = 1000;
	std::vector<Kind> kinds;
	for (const std::string &name : only)
		kinds.push_back(find_traits(name).kind);
	if (only.empty())
		kinds = by_shares(std::min(count, thousand));
	std::mt19937_64 random(seed);
	std::vector<Relay> relays;
	for (size_t i = 0; i < count; i++) {
		if (i % kinds.size() == 0 && only.empty())
			std::ranges::shuffle(kinds, random);
		Relay relay;
		relay.kind = kinds[i % kinds.size()];
		relay.delay_ms = int(random() % 200);
		if (relay.kind == Kind::Slow)
			relay.delay_ms = 1000 + int(random() % 2000);
		relays.push_back(std::move(relay));
	}
	return relays;
}

} // namespace farm
