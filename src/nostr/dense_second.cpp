#include "dense_second.h"

#include <utility>

#include "probes.h"

namespace nostr {

/* Factor by which the first question raises the limit, if the limit may have cut the page. */
static constexpr int kLarger = 4;
/* Largest numbers of questions about a second, and about all that a relay holds. */
static constexpr int kMostOfSecond = 1500, kMostOfAll = 500;
/* Largest number of authors that are remembered. */
static constexpr size_t kMostAuthors = 5000;

DenseSecond::DenseSecond(std::optional<int64_t> second, int limit, int raw, int cap, SeenSet shown,
						 const Conditions &conditions, Habits &habits)
	: second_(second), limit_(limit), cap_(cap), shown_(std::move(shown)), conditions_(conditions),
	  habits_(habits), larger_(second && raw >= limit)
{
	note_authors(shown_);
	if (!conditions.kinds && habits.takes_kinds)
		split_by_groups();
	else if (second)
		split({});
	else
		parts_.push_back({}); // its answer shows the first authors
}

void
DenseSecond::note_authors(const SeenSet &events)
{
	for (const SeenEvent &event : events)
		if (authors_.size() < kMostAuthors && authors_.insert(event.author).second && by_authors_)
			later_.push_back(event.author);
}

void
DenseSecond::split_by_groups()
{
	Part others; // kinds shown in this second that are in no group
	for (const SeenEvent &event : shown_)
		others.kinds.push_back(event.kind);
	std::sort(others.kinds.begin(), others.kinds.end());
	others.kinds.erase(std::unique(others.kinds.begin(), others.kinds.end()), others.kinds.end());
	for (auto &group : kind_groups(habits_)) {
		std::erase_if(others.kinds, [&](int32_t kind) {
			return std::find(group.begin(), group.end(), kind) != group.end();
		});
		parts_.push_back({.kinds = std::move(group)});
	}
	if (!others.kinds.empty())
		parts_.push_back(std::move(others));
}

size_t
DenseSecond::memory() const
{
	constexpr size_t node = sizeof(PublicKey) + 4 * sizeof(void *); // of std::set
	size_t listed = later_.capacity();
	for (const Part &part : parts_)
		listed += part.authors.capacity();
	return shown_.capacity() * sizeof(SeenEvent) + authors_.size() * node +
		   listed * sizeof(PublicKey);
}

int
DenseSecond::most_questions() const
{
	return second_ ? kMostOfSecond : kMostOfAll;
}

std::optional<Window>
DenseSecond::next() const
{
	Window window{.limit = limit_};
	if (second_)
		window.until = wider_ ? *second_ + 1 : habits_.until_of(*second_);
	if (larger_) {
		window.limit = limit_ * kLarger;
		return window;
	}
	if (second_.value_or(0) > 0)
		window.since = *second_ - 1;
	if (parts_.empty() || questions_ >= most_questions())
		return std::nullopt;
	window.kinds = parts_.back().kinds;
	window.authors = parts_.back().authors;
	return window;
}

/* While it is unknown whether the relay excludes the second of `until`: a question that should show
 * the second and does not is asked again, one second higher. */
bool
DenseSecond::asks_wider(const Answer &answer)
{
	const bool was_wider = std::exchange(wider_, false);
	if (habits_.until != Habits::Until::Unknown || !second_)
		return false;
	if (!answer.shown({*second_, *second_}).empty())
		habits_.until = was_wider ? Habits::Until::Exclusive : Habits::Until::Inclusive;
	else
		wider_ =
			!was_wider && !of_kinds(shown_, answer.asked().kinds).empty() && *second_ < INT64_MAX;
	return wider_;
}

void
DenseSecond::end(Answer &answer)
{
	if (asks_wider(answer))
		return;
	const bool larger = std::exchange(larger_, false);
	const SeenSet shown = answer.shown({second_.value_or(0), second_.value_or(INT64_MAX)});
	note_authors(shown);
	/* An answer that lacks events which the relay has shown is about another second, or about a
	 * part of this one. */
	const bool again = includes(shown, shown_);
	if (second_)
		shown_ = united(shown_, shown);
	answer.end_at_limit();
	const bool older = second_ && answer.reached_below(*second_);
	if (larger) {
		whole_ = older && again && answer.ordered() && !answer.doubts().cut() &&
				 !answer.was_cut() &&
				 !may_lack_events(answer.shown({0, *second_}), {*second_, *second_}, kFew);
		doubts_ = answer.doubts();
		refused_ = answer.refused();
		if (whole_)
			parts_.clear();
		return;
	}
	const Part part = std::move(parts_.back());
	parts_.pop_back();
	/* The limit of this question may be lower, because some relays end answers by size or time. */
	if (!older && 2 * answer.raw() > cap_)
		split(part);
	kinds_answered_ |= part.kinds.empty() || answer.raw() > 0;
	end_part();
}

void
DenseSecond::end_part()
{
	questions_++;
	if (parts_.empty() && !std::exchange(kinds_answered_, true))
		split({}); // no question by kinds brought an event, so only authors are asked for
	if (parts_.empty())
		add_authors({}, std::exchange(later_, {}));
}

void
DenseSecond::fail()
{
	wider_ = false;
	if (!std::exchange(larger_, false)) {
		parts_.pop_back();
		end_part();
	}
}

/* Splits a part by kinds if it has several, otherwise by authors: those of this second, and those
 * that the relay has shown before. */
void
DenseSecond::split(Part part)
{
	if (questions_ + int(parts_.size()) >= most_questions())
		return; // further parts would never be asked for
	if (part.kinds.size() > 1)
		return add_halves(part, &Part::kinds);
	if (part.authors.size() > 1)
		return add_halves(part, &Part::authors);
	if (!part.authors.empty() || conditions_.authors)
		return;
	authors_.insert(habits_.authors.begin(), habits_.authors.end());
	by_authors_ = true;
	if (authors_.size() > 1)
		add_authors(std::move(part), authors_);
}

void
DenseSecond::add_authors(Part part, const auto &authors)
{
	for (auto first = authors.begin(); first != authors.end();) {
		part.authors.clear();
		while (first != authors.end() && part.authors.size() < kMostNamed)
			part.authors.push_back(*first++);
		parts_.push_back(part);
	}
}

void
DenseSecond::add_halves(const Part &part, auto Part::*list)
{
	const auto &values = part.*list;
	const auto middle = values.begin() + values.size() / 2;
	Part lower = part, upper = part;
	(lower.*list).assign(values.begin(), middle);
	(upper.*list).assign(middle, values.end());
	parts_.push_back(std::move(lower));
	parts_.push_back(std::move(upper));
}

} // namespace nostr
