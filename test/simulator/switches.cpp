/* Every way in which simulated relays differ from a good one. F1 and so on: the kinds of false
 * claims that a review of this archive once found. */
#include "scenario.h"

namespace simulator {
namespace {

void
add(Scenario &scenario, const Numbers &numbers)
{
	scenario.events.insert(scenario.events.end(), numbers.begin(), numbers.end());
}

/* Private events, and something older. */
void
add_hidden(Scenario &scenario, Random &random, const Pool &pool)
{
	for (size_t i = 0; i < 150; i++)
		scenario.events.push_back(pool.notes[i * 5]);
	bool one = random.chance(0.5);
	for (size_t i = 0, only = random.below(pool.hidden_runs.size()); i < pool.hidden_runs.size();
		 i++)
		if (!one || i == only)
			add(scenario, pool.hidden_runs[i]);
}

/* One or all of several groups. */
void
add_some(Scenario &scenario, Random &random, const std::vector<Numbers> &groups)
{
	if (random.chance(0.5))
		return add(scenario, random.pick(groups));
	for (const Numbers &group : groups)
		add(scenario, group);
}

void
trouble(Scenario &scenario, Trouble trouble)
{
	scenario.behaviour.troubles.push_back(std::move(trouble));
}

/* Connections end or stall there: some of the time, or each time after a while. */
void
unreliable(Scenario &scenario, Random &random, Fault fault, Position position)
{
	bool early = position == Position::Connect || position == Position::Open;
	trouble(scenario, {.fault = fault,
					   .position = position,
					   .chance = early ? 0.5 : 0.1 + double(random.below(20)) / 100,
					   .after = early ? 0 : uint32_t(random.below(3)),
					   .most = fault == Fault::Stall ? 2u : 6u});
}

template <Fault fault, Position position>
void
unreliable_at(Scenario &scenario, Random &random, const Pool &)
{
	unreliable(scenario, random, fault, position);
}

template <Change change, size_t from, size_t to>
void
later(Scenario &scenario, Random &, const Pool &pool)
{
	scenario.behaviour.change = change;
	for (size_t i = from; i <= to; i++)
		scenario.late.insert(scenario.late.end(), pool.late[i].begin(), pool.late[i].end());
}

template <Negentropy kind>
void
reconciles(Scenario &scenario, Random &, const Pool &)
{
	scenario.behaviour.negentropy = kind;
}

using S = Scenario;
using R = Random;
using P = Pool;

const Switch kSwitches[] = {
	{"honest", "newest first, inclusive, capped by count", [](S &, R &, const P &) {}},
	{"nothing", "holds no event", [](S &s, R &, const P &) { s.events.clear(); }},
	// Caps and order
	{"small_cap", "20 to 60 events an answer", [](S &s, R &r, const P &) { s.behaviour.cap = r.between(20, 60); }},
	{"tiny_cap", "3 events an answer", [](S &s, R &, const P &) { s.behaviour.cap = 3; if (s.events.size() > 300) s.events.resize(300); }},
	{"cap_bytes", "answers end by their bytes (F13)", [](S &s, R &r, const P &p) {
		s.behaviour.cap_bytes = r.between(20000, 60000); add_some(s, r, p.uneven); }},
	{"cap_time", "answers end anywhere, as under load (F13)", [](S &s, R &r, const P &p) {
		s.behaviour.cap_random = true; add_some(s, r, p.uneven); }},
	{"limit_ignored", "answers of up to 5,000 events", [](S &s, R &, const P &) { s.behaviour.limit_ignored = true; }},
	{"ascending", "the newest ones, oldest first (F8)", [](S &s, R &, const P &) { s.behaviour.order = Order::Ascending; }},
	{"oldest_first", "the oldest ones, oldest first (F8)", [](S &s, R &, const P &) { s.behaviour.order = Order::Oldest; }},
	{"insertion", "those that came last to the relay (F8)", [](S &s, R &, const P &) { s.behaviour.order = Order::Insertion; }},
	{"algorithm", "those it likes best (F8)", [](S &s, R &, const P &) { s.behaviour.order = Order::Algorithm; }},
	{"stores", "two capped stores, one after another (F8)", [](S &s, R &, const P &) {
		s.behaviour.stores = {{1, 6}, {0, 4, 7, 1059, 1063, 1111, 1984, 9735}}; }},
	{"stores_merged", "two capped stores, merged newest first (F8)", [](S &s, R &, const P &) {
		s.behaviour.stores = {{1, 6, 7}, {0, 4, 1059, 1063, 1111, 1984, 9735}};
		s.behaviour.stores_merged = true; }},
	{"pinned", "an old event ends each capped answer (F9)", [](S &s, R &, const P &p) {
		s.behaviour.pinned = true; s.events.push_back(p.pinned); }},
	{"per_author", "20 events of an author at most (F10)", [](S &s, R &, const P &) { s.behaviour.per_author = 20; }},
	{"per_kind", "50 events of a kind at most (F10)", [](S &s, R &, const P &) { s.behaviour.per_kind = 50; }},
	{"look_back", "without kinds nothing older than 90 days (F10)", [](S &s, R &, const P &p) {
		s.behaviour.look_back = 90 * 86400; add(s, p.recent); }},
	{"until_exclusive", "F11", [](S &s, R &, const P &) { s.behaviour.until_exclusive = true; }},
	{"since_exclusive", "F12", [](S &s, R &, const P &) { s.behaviour.since_exclusive = true; }},
	{"both_exclusive", "F11 and F12, dense seconds", [](S &s, R &r, const P &p) {
		s.behaviour.until_exclusive = s.behaviour.since_exclusive = true; add_some(s, r, p.dense); }},
	{"until_ignored", "", [](S &s, R &, const P &) { s.behaviour.until_ignored = true; }},
	{"since_ignored", "", [](S &s, R &, const P &) { s.behaviour.since_ignored = true; }},
	{"filter_ignored", "no condition counts", [](S &s, R &, const P &) {
		s.behaviour.until_ignored = s.behaviour.since_ignored = s.behaviour.kinds_ignored = true; }},
	{"limit_one_empty", "nothing is found for a limit of 1", [](S &s, R &, const P &) { s.behaviour.limit_one_empty = true; }},
	{"kinds_empty", "nothing is found with kinds", [](S &s, R &r, const P &p) {
		s.behaviour.kinds_empty = true; if (r.chance(0.5)) add_some(s, r, p.dense); }},
	{"dense", "seconds with more events than an answer", [](S &s, R &r, const P &p) { add_some(s, r, p.dense); }},
	{"crowded", "20,000 events in one second", [](S &s, R &, const P &p) { add(s, p.crowded); }},
	{"repeats", "each event twice, both count (F13)", [](S &s, R &r, const P &p) {
		s.behaviour.repeats = 2; add_some(s, r, p.dense); }},
	// Hidden events
	{"hidden_run", "private events in a row count against the cap (F5)", [](S &s, R &r, const P &p) {
		s.behaviour.hides_private = true; add_hidden(s, r, p); }},
	{"hidden_second", "a second with hidden events (F13)", [](S &s, R &r, const P &p) {
		s.behaviour.hides_private = true; add_some(s, r, p.mixed); }},
	{"hidden_expired", "expired events count against the cap (F5)", [](S &s, R &, const P &p) {
		s.behaviour.hides_expired = true; add(s, p.expired); s.events.insert(s.events.end(), p.notes.begin(), p.notes.begin() + 200); }},
	{"strfry", "hides private events, counts them in COUNT", [](S &s, R &r, const P &p) {
		s.behaviour.hides_private = true; s.behaviour.count = Count::Hidden;
		add_hidden(s, r, p); add_some(s, r, p.mixed); }},
	{"private_shown", "private events in a row, shown", [](S &s, R &r, const P &p) { add_hidden(s, r, p); }},
	{"hidden_no_kinds", "private events in a row, and kinds find nothing", [](S &s, R &r, const P &p) {
		s.behaviour.hides_private = s.behaviour.kinds_empty = true; add_hidden(s, r, p); }},
	{"milliseconds", "dates in milliseconds end scans without until", [](S &s, R &, const P &p) {
		s.behaviour.milliseconds = true; add(s, p.odd_times); }},
	{"odd_times", "dated 0, 1, tomorrow, 2^63-1", [](S &s, R &, const P &p) { add(s, p.odd_times); }},
	{"beyond_limits", "events that the archive's limits refuse (F18)", [](S &s, R &, const P &p) { add(s, p.beyond_limits); }},
	// Empty answers
	{"notice_eose", "NOTICE and an empty EOSE, sometimes (F2)", [](S &s, R &r, const P &) {
		trouble(s, {.fault = Fault::NoticeEose, .chance = 0.1 + double(r.below(30)) / 100, .most = 12}); }},
	{"empty_eose", "an empty EOSE, sometimes (F3)", [](S &s, R &r, const P &) {
		trouble(s, {.fault = Fault::EmptyEose, .chance = 0.1 + double(r.below(20)) / 100, .most = 12}); }},
	{"outage", "empty EOSE for a while (F3)", [](S &s, R &r, const P &) {
		trouble(s, {.fault = Fault::EmptyEose, .after = uint32_t(r.below(4)), .most = uint32_t(r.between(5, 40))}); }},
	{"replica_behind", "every other connection: a replica without the old (F3)", [](S &s, R &, const P &) { s.behaviour.replicas = 2; }},
	{"replicas", "three replicas, each lacks a tenth (F3)", [](S &s, R &, const P &) { s.behaviour.replicas = 3; }},
	{"early_eose", "EOSE before the events, sometimes (F4)", [](S &s, R &, const P &) { s.behaviour.early_eose = 0.3; }},
	{"half_early_eose", "EOSE amid the events, sometimes (F4)", [](S &s, R &, const P &) {
		s.behaviour.early_eose = 0.3; s.behaviour.half_early_eose = true; }},
	{"no_eose", "no EOSE, sometimes", [](S &s, R &, const P &) {
		trouble(s, {.fault = Fault::NoEose, .chance = 0.2, .most = 2}); }},
	{"never_eose", "never an EOSE", [](S &s, R &, const P &) { trouble(s, {.fault = Fault::NoEose}); }},
	{"slow", "answers take their time", [](S &s, R &r, const P &) {
		trouble(s, {.fault = Fault::Slow, .chance = 0.5, .ms = uint32_t(r.between(50, 400))}); }},
	// Hints
	{"finish", "NIP-67, as it should be", [](S &s, R &, const P &) { s.behaviour.hints = Hints::Right; }},
	{"finish_dense", "NIP-67 with dense seconds", [](S &s, R &r, const P &p) {
		s.behaviour.hints = Hints::Right; add_some(s, r, p.dense); }},
	{"finish_lie", "always finish", [](S &s, R &, const P &) { s.behaviour.hints = Hints::FinishAlways; }},
	{"finish_exclusive", "finish, and an exclusive until (F14)", [](S &s, R &, const P &) {
		s.behaviour.hints = Hints::Right; s.behaviour.until_exclusive = true; }},
	{"more_empty", "empty answers that say more (F6)", [](S &s, R &r, const P &p) {
		s.behaviour.hints = Hints::MoreOnly; s.behaviour.hides_private = true;
		add_hidden(s, r, p); add_some(s, r, p.mixed); }},
	{"more_lie", "always more", [](S &s, R &, const P &) { s.behaviour.hints = Hints::MoreAlways; }},
	{"count", "NIP-45, as it should be", [](S &s, R &r, const P &p) {
		s.behaviour.count = Count::Right; if (r.chance(0.5)) add_some(s, r, p.dense); }},
	{"count_capped", "COUNT says what REQ would show", [](S &s, R &r, const P &p) {
		s.behaviour.count = Count::Capped; add_some(s, r, p.dense); }},
	{"count_zero", "COUNT says 0", [](S &s, R &, const P &) { s.behaviour.count = Count::Zero; }},
	{"count_random", "COUNT says anything", [](S &s, R &r, const P &p) { s.behaviour.count = Count::Random; add_some(s, r, p.dense); }},
	// Reconciliation
	{"negentropy", "NIP-77, as it should be", reconciles<Negentropy::Right>},
	{"negentropy_dense", "NIP-77 and dense seconds", [](S &s, R &r, const P &p) {
		s.behaviour.negentropy = Negentropy::Right; add_some(s, r, p.dense); }},
	{"negentropy_only", "NIP-77 where strfry hides events in a row", [](S &s, R &r, const P &p) {
		s.behaviour.negentropy = Negentropy::Right; s.behaviour.hides_private = true; add_hidden(s, r, p); }},
	{"negentropy_claimed", "only its document says NIP-77", reconciles<Negentropy::ClaimedOnly>},
	{"negentropy_hidden", "NIP-77 offers what is never served", [](S &s, R &r, const P &p) {
		s.behaviour.negentropy = Negentropy::Hidden; s.behaviour.hides_private = true; add_hidden(s, r, p); }},
	{"negentropy_lagging", "NIP-77 lacks a tenth", reconciles<Negentropy::Lagging>},
	{"negentropy_limited", "NIP-77 with the newest ones only", reconciles<Negentropy::Limited>},
	{"negentropy_equal", "NIP-77 says that nothing differs", reconciles<Negentropy::Equal>},
	{"negentropy_garbage", "NIP-77 talks nonsense", reconciles<Negentropy::Garbage>},
	{"negentropy_silent", "NIP-77 is not answered", reconciles<Negentropy::Silent>},
	{"negentropy_blocked", "NIP-77 for 200 records at most", reconciles<Negentropy::Blocked>},
	// Authentication and refusals
	{"auth_part", "AUTH; strangers see a part (F7)", [](S &s, R &, const P &) { s.behaviour.private_after_auth = true; }},
	{"auth_late", "the same, and AUTH after two answers (F7)", [](S &s, R &, const P &) {
		s.behaviour.private_after_auth = true; s.behaviour.auth_after = 2; }},
	{"auth_all", "AUTH; strangers see nothing", [](S &s, R &, const P &) { s.behaviour.auth_required = true; }},
	{"closed", "CLOSED, sometimes", [](S &s, R &, const P &) {
		trouble(s, {.fault = Fault::Closed, .chance = 0.2, .most = 4, .text = "error: shutting down idle subscription"}); }},
	{"rate_notice", "NOTICE and no answer above a rate", [](S &s, R &r, const P &) { s.behaviour.requests_per_second = uint32_t(r.between(5, 20)); }},
	{"rate_closed", "CLOSED above a rate", [](S &s, R &r, const P &) {
		s.behaviour.requests_per_second = uint32_t(r.between(5, 20)); s.behaviour.complains_by_closed = true; }},
	{"rate_empty", "empty EOSE above a rate", [](S &s, R &r, const P &) {
		s.behaviour.requests_per_second = uint32_t(r.between(3, 20)); s.behaviour.complains_by_nothing = true; }},
	{"rate_429", "HTTP 429 to some connections", [](S &s, R &, const P &) { s.behaviour.complains_by_429 = true; }},
	{"deaf", "what comes right after the handshake is lost", [](S &s, R &, const P &) { s.behaviour.deaf_ms = 50; }},
	// Connections
	{"drop_connect", "", unreliable_at<Fault::Drop, Position::Connect>},
	{"drop_open", "", unreliable_at<Fault::Drop, Position::Open>},
	{"drop_request", "", unreliable_at<Fault::Drop, Position::Request>},
	{"drop_events", "", unreliable_at<Fault::Drop, Position::Events>},
	{"drop_frame", "", unreliable_at<Fault::Drop, Position::Frame>},
	{"drop_eose", "", unreliable_at<Fault::Drop, Position::Eose>},
	{"drop_end", "", unreliable_at<Fault::Drop, Position::End>},
	{"stall_connect", "", unreliable_at<Fault::Stall, Position::Connect>},
	{"stall_open", "", unreliable_at<Fault::Stall, Position::Open>},
	{"stall_request", "", unreliable_at<Fault::Stall, Position::Request>},
	{"stall_events", "", unreliable_at<Fault::Stall, Position::Events>},
	{"stall_frame", "", unreliable_at<Fault::Stall, Position::Frame>},
	{"stall_eose", "", unreliable_at<Fault::Stall, Position::Eose>},
	// Rubbish
	{"forged_copy", "another relay was first with wrong signatures (F1)", [](S &s, R &, const P &) {
		s.poisoned = true; if (s.events.size() > 800) s.events.resize(800); }},
	{"forged_ids", "some events of its own with wrong ids", [](S &s, R &, const P &) { s.behaviour.forged_id = 0.02; }},
	{"forged_sigs", "some with wrong signatures", [](S &s, R &, const P &) { s.behaviour.forged_sig = 0.02; }},
	{"forged_times", "an answer of nothing but refused events with made-up times (F21)", [](S &s, R &, const P &) { s.behaviour.forged_times = true; }},
	{"wrong_subscription", "events under another subscription (F19)", [](S &s, R &r, const P &) {
		s.behaviour.wrong_subscription = r.chance(0.5) ? 1 : 0.2; }},
	{"no_subscription", "events without subscription (F19)", [](S &s, R &r, const P &) {
		s.behaviour.no_subscription = r.chance(0.5) ? 1 : 0.2; }},
	{"rubbish", "broken JSON instead of events (F19)", [](S &s, R &r, const P &) {
		s.behaviour.rubbish = r.chance(0.5) ? 1 : 0.05; }},
	{"flood", "messages that were not asked for", [](S &s, R &r, const P &) { s.behaviour.flood = r.between(5, 60); }},
	{"drops_for_slow", "drops events for slow readers (F17)", [](S &s, R &r, const P &) {
		s.behaviour.dropped_past = r.between(8000, 64000); }},
	// Time
	{"date_off", "a wrong Date header", [](S &s, R &r, const P &) {
		static constexpr int64_t off[] = {-172800, -7200, 7200, 86400, 31536000};
		s.behaviour.date_off = r.pick(off); }},
	{"no_date", "no Date header", [](S &s, R &, const P &) { s.behaviour.no_date = true; }},
	{"late_away", "backdated by up to two days while we were away (F15)", later<Change::LateAway, 0, 3>},
	{"late_live", "backdated by up to two days while we were connected (F15)", later<Change::LateLive, 0, 3>},
	{"very_late", "backdated by a month and a year while we were away (F15)", later<Change::LateAway, 4, 5>},
	{"emptied", "the relay loses all", [](S &s, R &, const P &) { s.behaviour.change = Change::Emptied; }},
	{"replaced", "another relay at the same address", [](S &s, R &, const P &p) {
		s.behaviour.change = Change::Replaced; s.late = p.other_notes;
		s.late.insert(s.late.end(), p.recent.begin(), p.recent.end()); }},
};

} // namespace

std::span<const Switch>
switches()
{
	return kSwitches;
}

} // namespace simulator
