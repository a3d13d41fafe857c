/*
 * Is there nothing older? An empty answer does not say so: relays count events which they hide
 * against the limit, fail in silence, or look back only so far. The probes ask in other ways.
 */
#pragma once

#include <vector>

#include "habits.h"

namespace nostr {

/*
 * Questions about everything up to `upper`, of which second this was shown. The first is a page
 * with `limit` of what is below that. Those for kinds and authors ask for the second as well:
 * hidden events may have taken the places of others of it.
 */
std::vector<Window> probes_below(int64_t upper, const SeenSet &shown, int limit,
								 const Conditions &conditions, const Habits &habits);
/* Questions about a range for the kinds that relays show to everybody; none if the filter names
 * kinds itself, or the relay takes none. */
std::vector<Window> kinds_probes(std::optional<int64_t> since, int64_t until,
								 const Conditions &conditions, const Habits &habits);
/* Must not come back empty. */
Window control_question(const Habits &habits);
/*
 * The kinds which the relay has shown, and others in use; not those that are shown to their readers
 * only. In groups that relays take in one question.
 */
std::vector<std::vector<int32_t>> kind_groups(const Habits &habits);
/* The first group. */
std::vector<int32_t> open_kinds(const Habits &habits);

} // namespace nostr
