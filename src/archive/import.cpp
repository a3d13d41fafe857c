#include "import.h"

#include <algorithm>

#include "nostr/ascii.h"
#include "nostr/keys.h"

#include "block_list.h"
#include "insert.h"
#include "lists.h"
#include "pg/border/settings.h"
#include "pg/border/spi.h"

namespace archive {

namespace {

/* Number of events after which a piece that is not the last one is left. All events of a piece of
 * 512 kB fit, because none has less than 332 bytes. */
constexpr size_t kBatch = 1600;
constexpr size_t kExcerpt = 200; // bytes kept of a bad line

pg::Statement load_statement("SELECT bytes, lines, skipping, finished_at IS NOT NULL, relay_id "
							 "FROM _bigbrotr.imports WHERE import_id = $1 FOR UPDATE");
pg::Statement save_statement(
	"UPDATE _bigbrotr.imports SET bytes = $2, lines = $3, skipping = $4, updated_at = $5, "
	"events_new = events_new + $6, events_known = events_known + $7, "
	"events_refused = events_refused + $8, events_left_out = events_left_out + $9 "
	"WHERE import_id = $1");
pg::Statement bad_lines_statement(
	"INSERT INTO bigbrotr.import_rejects (import_id, line, reason, text) "
	"SELECT $1, b.line, b.reason, b.text FROM unnest($2, $3, $4) AS b (line, reason, text)");
pg::Statement imported_statement(
	"INSERT INTO _bigbrotr.imported_events (eid) "
	"SELECT h.eid FROM unnest(_bigbrotr.hold_events($1)) AS h (eid) WHERE h.eid IS NOT NULL "
	"ORDER BY 1 ON CONFLICT DO NOTHING");

struct Line
{
	int64_t number;
	std::string_view text;
};

struct BadLine
{
	Line line;
	nostr::Reject reason; // None: the database refused the event
};

/* Whether the line is a JSON object. The text of other lines is not kept, because the user may have
 * named the wrong file. */
bool
is_object(nostr::Reject reason)
{
	using enum nostr::Reject;
	return reason != BadJson && reason != BadUtf8 && reason != TooDeep && reason != TooLarge &&
		   reason != NotAnObject;
}

void
check_for_interrupts()
{
	pg::call([] { CHECK_FOR_INTERRUPTS(); });
}

class Import
{
  public:
	Import(int64_t id, int64_t now) : id_(id), now_(now) {}

	void load(int64_t position);
	size_t take(std::string_view data, bool last);
	void save();

  private:
	size_t skip(std::string_view data, bool last);
	void parse(const Line &line);
	void insert();
	void refuse(const Line &line, nostr::Reject reason) { bad_.push_back({line, reason}); }
	void save_bad_lines();

	int64_t id_, now_;
	int64_t bytes_ = 0, number_ = 0; // size and number of lines
	bool skipping_ = false;          // the rest of a line that is too large is skipped
	std::optional<int32_t> relay_;
	nostr::EventParser parser_{
		{.event_bytes = static_cast<size_t>(pg::settings::max_event_size_kb) * 1024,
		 .tags = static_cast<size_t>(pg::settings::max_event_tags)}};
	std::vector<nostr::Event> events_; // valid events, and their lines
	std::vector<Line> lines_;
	std::vector<BadLine> bad_; // bad lines not saved yet
	int64_t fresh_ = 0, known_ = 0, left_out_ = 0, refused_ = 0;
};

void
Import::load(int64_t position)
{
	pg::Rows row = load_statement.run({pg::value(id_)});
	if (row.count() == 0)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE,
						"there is no import " + std::to_string(id_),
						"The numbers are those of bigbrotr.import_progress.",
						"bigbrotr.begin_import(source) begins one.");
	bytes_ = row.integer(0, 1);
	number_ = row.integer(0, 2);
	skipping_ = row.integer(0, 3);
	if (!row.null(0, 5))
		relay_ = static_cast<int32_t>(row.integer(0, 5));
	if (row.integer(0, 4) || bytes_ != position)
		throw pg::Error(
			ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			"import " + std::to_string(id_) + " is not at byte " + std::to_string(position),
			row.integer(0, 4) ? "It is finished." : "It is at byte " + std::to_string(bytes_) + ".",
			"If another session runs the same import, wait until it ends; otherwise ask "
			"bigbrotr.begin_import with the same source for the position.");
}

/* Skips the rest of a line that is too large. Returns the number of bytes skipped. */
size_t
Import::skip(std::string_view data, bool last)
{
	size_t end = data.find('\n');
	if (end == data.npos) {
		skipping_ = !last;
		return data.size();
	}
	skipping_ = false;
	return end + 1;
}

/*
 * Stores all events in one batch, because a second batch in the same transaction would take its
 * locks out of order, and could cause a deadlock with another writer.
 */
size_t
Import::take(std::string_view data, bool last)
{
	const size_t longest = static_cast<size_t>(pg::settings::max_event_size_kb) * 1024;
	size_t taken = skipping_ ? skip(data, last) : 0;
	while (taken < data.size() && (last || events_.size() < kBatch)) {
		check_for_interrupts();
		std::string_view rest = data.substr(taken);
		size_t end = rest.find('\n');
		bool whole = end != rest.npos || last;
		if (!whole && rest.size() <= longest)
			break;
		Line line = {++number_, rest.substr(0, end)};
		taken += std::min(rest.size(), line.text.size() + 1);
		if (line.text.size() > longest)
			refuse(line, nostr::Reject::TooLarge);
		else
			parse(line);
		skipping_ = !whole;
		if (bad_.size() >= kBatch)
			save_bad_lines();
	}
	if (!events_.empty())
		insert();
	bytes_ += static_cast<int64_t>(taken);
	return taken;
}

void
Import::parse(const Line &line)
{
	if (line.text.find_first_not_of(" \t\r") == line.text.npos)
		return;
	if (events_.size() == kMostElements)
		throw pg::Error(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
						"the last piece of an import has too many events",
						"It may have " + std::to_string(kMostElements) + ".",
						"Send it in smaller pieces, all but the last one with last => false.");
	nostr::Reject reason = parser_.parse(line.text, events_.emplace_back());
	if (reason == nostr::Reject::None) {
		lines_.push_back(line);
	} else {
		events_.pop_back();
		refuse(line, reason);
	}
}

/*
 * Stores the events. The id is the hash of the event, so an event whose id is archived needs no
 * signature check. If all events of the previous batch were new, the next events are probably new
 * too and are not looked up here, because the insertion looks them up.
 */
void
Import::insert()
{
	static nostr::Verifier verifier;
	static bool some_known = true;
	std::vector<std::string_view> ids;
	for (const nostr::Event &event : events_)
		ids.push_back(verified(event).id);
	std::vector<Standing> standings =
		some_known ? find_standings(ids) : std::vector<Standing>(ids.size(), Standing::Unknown);
	auto has_good_signature = [&](const nostr::Event &event) {
		return !pg::settings::verify_events || verifier.verify(event.id, event.pubkey, event.sig);
	};

	std::vector<VerifiedEvent> unknown;
	std::vector<Line> unknown_lines;
	std::vector<NewSighting> sightings;
	std::vector<std::string_view> unseen; // ids of valid events, if the import names no relay
	std::vector<std::string_view> repeats;
	IdSet met;
	for (size_t i = 0; i < events_.size(); i++) {
		check_for_interrupts();
		const nostr::Event &event = events_[i];
		Standing &standing = standings[i];
		const bool is_repeat = standing == Standing::Unknown && met.contains(ids[i]);
		if (standing == Standing::Unknown && !is_repeat && !has_good_signature(event)) {
			if (!some_known)
				standing = find_standings({&ids[i], 1}).front();
			if (standing == Standing::Unknown) {
				refuse(lines_[i], nostr::Reject::BadSignature);
				continue;
			}
		}
		if (standing == Standing::KeptOut) {
			left_out_++;
			continue;
		}
		if (standing == Standing::Archived) {
			known_++;
		} else if (is_repeat) {
			repeats.push_back(ids[i]);
		} else {
			met.insert(ids[i]);
			unknown.push_back(verified(event));
			unknown_lines.push_back(lines_[i]);
		}
		if (relay_)
			sightings.push_back({ids[i], *relay_, now_});
		else
			unseen.push_back(ids[i]);
	}

	Inserted inserted = insert_verified_events(unknown, sightings, now_);
	if (!unseen.empty())
		imported_statement.run(
			{pg::bytea_array(unseen.size(), [&](size_t i) { return unseen[i]; })});
	note_missing(inserted.blocked);
	IdSet blocked;
	for (const VerifiedEvent &event : inserted.blocked)
		blocked.insert(event.id);
	auto count = [&](std::string_view id) {
		bool left_out = blocked.contains(id) || inserted.left_out.contains(id) ||
						inserted.rejected.contains(id);
		(left_out ? left_out_ : known_)++;
	};
	for (size_t i = 0; i < unknown.size(); i++)
		if (inserted.events.contains(unknown[i].id))
			fresh_++;
		else if (inserted.rejected.contains(unknown[i].id))
			refuse(unknown_lines[i], nostr::Reject::None);
		else
			count(unknown[i].id);
	for (std::string_view id : repeats)
		count(id);
	some_known = known_ + left_out_ > 0;
}

void
Import::save_bad_lines()
{
	size_t n = bad_.size();
	std::vector<std::string> texts;
	for (const BadLine &bad : bad_)
		texts.push_back(is_object(bad.reason) ? nostr::printable(bad.line.text.substr(0, kExcerpt))
											  : "");
	auto reason = [&](size_t i) -> std::string_view {
		return bad_[i].reason == nostr::Reject::None ? "rejected_by_database"
													 : nostr::reject_code(bad_[i].reason);
	};
	bad_lines_statement.run(
		{pg::value(id_), pg::int8_array(n, [&](size_t i) { return bad_[i].line.number; }),
		 pg::text_array(n, reason),
		 pg::text_array(n, [&](size_t i) { return std::string_view(texts[i]); })});
	refused_ += static_cast<int64_t>(n);
	bad_.clear();
}

void
Import::save()
{
	if (!bad_.empty())
		save_bad_lines();
	save_statement.run({pg::value(id_), pg::value(bytes_), pg::value(number_), pg::value(skipping_),
						pg::value(now_), pg::value(fresh_), pg::value(known_), pg::value(refused_),
						pg::value(left_out_)});
}

} // namespace

size_t
import_lines(int64_t import_id, int64_t position, std::string_view data, bool last, int64_t now)
{
	Import import(import_id, now);
	import.load(position);
	size_t taken = import.take(data, last);
	import.save();
	return taken;
}

} // namespace archive
