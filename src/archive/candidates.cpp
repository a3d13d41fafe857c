#include "candidates.h"

#include "tags.h"

extern "C" {
#include "utils/snapmgr.h"
}

namespace archive {

namespace {

using Bytes32 = std::array<uint8_t, 32>; // an id or a public key

Bytes32
bytes32(Datum datum)
{
	Bytes32 out = {};
	std::string_view bytes = view(DatumGetByteaPP(datum));
	memcpy(out.data(), bytes.data(), std::min(bytes.size(), out.size()));
	return out;
}

} // namespace

EventReader::EventReader(Relation events) : slot_(table_slot_create(events, nullptr))
{
	Oid table = RelationGetRelid(events);
	eid_ = get_attnum(table, "eid");
	event_id_ = get_attnum(table, "event_id");
	created_at_ = get_attnum(table, "created_at");
	kind_ = get_attnum(table, "kind");
	pubkey_ = get_attnum(table, "pubkey");
	tags_ = get_attnum(table, "tags");
}

bool
EventReader::fetch(IndexFetchTableData *scan, ItemPointerData tid)
{
	CHECK_FOR_INTERRUPTS();
	bool again = false;
	return table_index_fetch_tuple(scan, &tid, GetActiveSnapshot(), slot_, &again, nullptr);
}

bool
EventReader::is_by(const std::vector<nostr::PublicKey> &authors) const
{
	return nostr::holds(authors, bytes32(get(pubkey_)));
}

bool
EventReader::has_tag(const nostr::TagCondition &wanted) const
{
	Datum stored = get(tags_);
	varlena *tags = PG_DETOAST_DATUM_PACKED(stored);
	bool found = any_indexed_tag(view(tags), [&](char name, const nostr::PackedItem &value) {
		nostr::HexText digits;
		return name == wanted.name && nostr::holds(wanted.values, nostr::item_text(value, digits));
	});
	if (PointerGetDatum(tags) != stored)
		pfree(tags);
	return found;
}

Candidate
EventReader::candidate() const
{
	return {created_at(), slot_->tts_tid, bytes32(get(event_id_)), DatumGetInt64(get(eid_))};
}

} // namespace archive
