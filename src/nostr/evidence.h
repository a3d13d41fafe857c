/*
 * Evidence about a time range of one relay, and doubts about it. SQL (bigbrotr.coverage) and the
 * documentation (docs/development/paging.md) use the same words.
 */
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

namespace nostr {

/* Inclusive Unix seconds. */
struct TimeRange
{
	int64_t lower = 0;
	int64_t upper = 0;
	bool operator==(const TimeRange &) const = default;
};
/* Extends the span so that it includes the second. */
inline void
include(std::optional<TimeRange> &span, int64_t second)
{
	if (!span)
		span = {second, second};
	span->lower = std::min(span->lower, second);
	span->upper = std::max(span->upper, second);
}

/* Weakest first. A range counts as *read* from Paged on, and as *proven* from Confirmed on. */
enum class Evidence : uint8_t
{
	Partial,   // seen in part, or with a doubt that cuts
	Paged,     // one orderly reading, without a doubt that cuts
	Confirmed, // a second, independent observation agrees
	Reconciled // the sets of ids were compared (NIP-77) and everything needed was fetched
};
constexpr Evidence kLastEvidence = Evidence::Reconciled;

/* "partial", "paged", "confirmed", "reconciled" */
const char *evidence_name(Evidence evidence);
/* The evidence with this name; nothing if there is none. */
std::optional<Evidence> evidence_of(std::string_view name);

/* The order is that of the bits in wire messages. */
enum class Doubt : uint8_t
{
	Unordered,
	Notice,
	Auth,
	More,
	Refused,
	Foreign,
	Boundary,
	Hole,
	EndUnprobed,
	Dense,
	Late,
	Clock,
	Backpressure,
	Smaller,
	Contradicted,
	Unencrypted,
	Withheld
};
constexpr size_t kDoubts = size_t(Doubt::Withheld) + 1;

struct DoubtFacts
{
	const char *code; // one word: [a-z_]
	bool cuts;        // a range with this doubt is always Partial
	const char *meaning;
};
const DoubtFacts &doubt_facts(Doubt doubt);

class Doubts
{
  public:
	static constexpr uint32_t kAll = (uint32_t{1} << kDoubts) - 1;

	constexpr Doubts() = default;
	constexpr Doubts(Doubt doubt) : bits(bit(doubt)) {}
	constexpr explicit Doubts(uint32_t bits) : bits(bits & kAll) {}

	constexpr bool has(Doubt doubt) const { return (bits & bit(doubt)) != 0; }
	constexpr bool none() const { return bits == 0; }
	constexpr Doubts operator|(Doubts other) const { return Doubts(bits | other.bits); }
	constexpr Doubts &operator|=(Doubts other) { return *this = *this | other; }
	constexpr Doubts without(Doubt doubt) const { return Doubts(bits & ~bit(doubt)); }
	constexpr bool operator==(const Doubts &) const = default;
	bool cut() const;
	/* Calls with each Doubt, in their order. */
	template <class F> void for_each(F call) const
	{
		for (uint32_t rest = bits; rest != 0; rest &= rest - 1)
			call(static_cast<Doubt>(std::countr_zero(rest)));
	}

	uint32_t bits = 0;

  private:
	static constexpr uint32_t bit(Doubt doubt) { return uint32_t{1} << static_cast<int>(doubt); }
};

/* The result of one pass over a range. */
struct Claim
{
	TimeRange range;
	Evidence evidence = Evidence::Partial;
	Doubts doubts;
	int64_t events = 0;  // distinct events of the range that this pass delivered
	int64_t refused = 0; // events of the range that were delivered and not archived
	bool operator==(const Claim &) const = default;
};

/* Something found later that contradicts earlier claims overlapping the range. */
struct Retract
{
	TimeRange range;
	Doubt doubt = Doubt::Late;
	int64_t found = 0; // events that the claims did not know
	bool operator==(const Retract &) const = default;
};

} // namespace nostr
