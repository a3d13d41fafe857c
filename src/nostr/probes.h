/*
 * Questions that test if older events exist. An empty answer does not prove that there are none:
 * relays count hidden events against the limit, fail silently, or search only a limited time back.
 * The probes ask in other ways.
 */
#pragma once

#include <vector>

#include "habits.h"

namespace nostr {

/*
 * Questions about everything up to `upper`; `shown`: the events known of that second. The first
 * question is a page with `limit` below it. The questions for kinds and authors include the second,
 * because hidden events may have used up the limit instead of others.
 */
std::vector<Window> probes_below(int64_t upper, const SeenSet &shown, int limit,
								 const Conditions &conditions, const Habits &habits);
/* Questions about a range for the kinds that relays show to everybody. None if the filter names
 * kinds, or if the relay does not answer questions with kinds. */
std::vector<Window> kinds_probes(std::optional<int64_t> since, int64_t until,
								 const Conditions &conditions, const Habits &habits);
/* A question whose answer must not be empty. */
Window control_question(const Habits &habits);
/*
 * The kinds that the relay has shown and other kinds in use, without those that relays show only to
 * their readers. Each group fits into one question.
 */
std::vector<std::vector<int32_t>> kind_groups(const Habits &habits);
/* The first of these groups. */
std::vector<int32_t> open_kinds(const Habits &habits);

} // namespace nostr
