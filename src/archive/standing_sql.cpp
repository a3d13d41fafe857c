/*
 * bigbrotr.address, address_id, is_current, is_standing: what other events say about one.
 *
 * The last two are asked for every row that is shown, so they look up by index themselves: as
 * subqueries they would cost more to plan than all the rest of a statement, and five times as much
 * to run.
 */
#include "nostr/canonical.h"
#include "nostr/facts.h"

#include "bytes.h"
#include "pg/border/compat.h"
#include "tags.h"

extern "C" {
#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bigbrotr_address);
PG_FUNCTION_INFO_V1(bigbrotr_address_id);
PG_FUNCTION_INFO_V1(bigbrotr_is_current);
PG_FUNCTION_INFO_V1(bigbrotr_is_standing);
PGDLLEXPORT Datum bigbrotr_address(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_address_id(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_is_current(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_is_standing(PG_FUNCTION_ARGS);
}

namespace {

constexpr int32_t kGiftWrap = 1059, kEphemeralGiftWrap = 21059; // NIP-59

bool
has_address(int32_t kind)
{
	nostr::KindClass kind_class = nostr::kind_class(kind);
	return kind_class == nostr::KindClass::Replaceable ||
		   kind_class == nostr::KindClass::Addressable;
}

/* What tells addressable events of one author and kind apart: empty without a d tag, or if the
 * first has no value. May raise. */
nostr::PackedItem
identifier(int32_t kind, std::string_view tags)
{
	nostr::PackedItem value;
	if (nostr::kind_class(kind) == nostr::KindClass::Addressable)
		archive::first_value(tags, {"d"}, value);
	return value;
}

/* Of a kind that has one. */
std::string
address(std::string_view pubkey, int32_t kind, const nostr::PackedItem &identifier)
{
	nostr::HexText buffer;
	return nostr::address(kind, pubkey, nostr::item_text(identifier, buffer));
}

/* As a bytea. May raise. */
Datum
address_id(std::string_view pubkey, int32_t kind, std::string_view tags)
{
	nostr::PackedItem d = identifier(kind, tags);
	return pg::boundary(
		[&] { return archive::varlena_datum(nostr::sha256(address(pubkey, kind, d))); });
}

} // namespace

Datum
bigbrotr_address(PG_FUNCTION_ARGS)
{
	std::string_view pubkey = archive::view(PG_GETARG_BYTEA_PP(0));
	int32_t kind = PG_GETARG_INT32(1);
	if (!has_address(kind))
		PG_RETURN_NULL();
	nostr::PackedItem d = identifier(kind, archive::tags_view(PG_GETARG_DATUM(2)));
	return pg::boundary([&] { return archive::varlena_datum(address(pubkey, kind, d)); });
}

Datum
bigbrotr_address_id(PG_FUNCTION_ARGS)
{
	int32_t kind = PG_GETARG_INT32(1);
	if (!has_address(kind))
		PG_RETURN_NULL();
	return address_id(archive::view(PG_GETARG_BYTEA_PP(0)), kind,
					  archive::tags_view(PG_GETARG_DATUM(2)));
}

namespace {

/*
 * True if accept(slot) says so of a row that the index finds. Like all below: may raise, and holds
 * nothing that the server does not clean up by itself then.
 */
template <size_t N, class F>
bool
any_row(const char *table_name, const char *index_name, ScanKeyData (&keys)[N], F accept)
{
	Oid schema = get_namespace_oid("bigbrotr", false);
	Relation table = table_open(get_relname_relid(table_name, schema), AccessShareLock);
	Relation index = index_open(get_relname_relid(index_name, schema), AccessShareLock);
	TupleTableSlot *slot = table_slot_create(table, nullptr);
	IndexScanDesc scan = pg::compat::begin_index_scan(table, index, GetActiveSnapshot(), N);
	index_rescan(scan, keys, N, nullptr, 0);
	bool found = false;
	while (!found && index_getnext_slot(scan, ForwardScanDirection, slot))
		found = accept(slot);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return found;
}

Datum
column(TupleTableSlot *slot, const char *name)
{
	TupleDesc shape = slot->tts_tupleDescriptor;
	for (int i = 0; i < shape->natts; i++)
		if (strcmp(NameStr(TupleDescAttr(shape, i)->attname), name) == 0) {
			bool null;
			return slot_getattr(slot, i + 1, &null); // all columns asked for are NOT NULL
		}
	elog(ERROR, "column \"%s\" is missing", name);
}

/* The arguments that both functions have. */
struct Event
{
	Datum event_id, pubkey;
	int64_t created_at;
	int32_t kind;
	std::string_view tags;

	explicit Event(FunctionCallInfo fcinfo)
		: event_id(PG_GETARG_DATUM(0)), pubkey(PG_GETARG_DATUM(1)), created_at(PG_GETARG_INT64(2)),
		  kind(PG_GETARG_INT32(3)), tags(archive::tags_view(PG_GETARG_DATUM(4)))
	{
	}

	Datum address() const { return address_id(archive::view(DatumGetByteaPP(pubkey)), kind, tags); }

	/* Whether its author, or the receiver of a gift wrap, whose author is a throw-away key, has
	 * this key. */
	bool belongs_to(std::string_view key) const
	{
		if (archive::view(DatumGetByteaPP(pubkey)) == key)
			return true;
		return is_gift_wrap() &&
			   archive::any_indexed_tag(tags, [&](char name, const nostr::PackedItem &value) {
				   return name == 'p' && value.hex && value.bytes == key;
			   });
	}

	bool is_gift_wrap() const { return kind == kGiftWrap || kind == kEphemeralGiftWrap; }
};

bool
is_superseded(const Event &event)
{
	if (!has_address(event.kind))
		return false;
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_BYTEAEQ, event.address());
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(event.created_at));
	return any_row("events", "events_address_idx", keys, [&](TupleTableSlot *slot) {
		return DatumGetInt64(column(slot, "created_at")) > event.created_at ||
			   archive::view(DatumGetByteaPP(column(slot, "event_id"))) <
				   archive::view(DatumGetByteaPP(event.event_id));
	});
}

/* NIP-40 */
bool
is_expired(const Event &event)
{
	int64_t now = GetCurrentTransactionStartTimestamp() / USECS_PER_SEC +
				  static_cast<int64_t>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	nostr::PackedItem value;
	nostr::HexText buffer;
	if (!archive::first_value(event.tags, {"expiration"}, value))
		return false;
	std::optional<int64_t> seconds = nostr::parse_expiration(nostr::item_text(value, buffer));
	return seconds && *seconds <= now;
}

bool
names_target(const Event &event, Datum target, bool by_address)
{
	ScanKeyData keys[2];
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_BYTEAEQ, target);
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(by_address));
	return any_row("deletions", "deletions_pkey", keys, [&](TupleTableSlot *slot) {
		return event.belongs_to(archive::view(DatumGetByteaPP(column(slot, "pubkey")))) &&
			   (!by_address || DatumGetInt64(column(slot, "created_at")) >= event.created_at);
	});
}

/* NIP-09; requests cannot be undone. */
bool
is_deleted(const Event &event)
{
	return event.kind != nostr::kDeletion && event.kind != nostr::kVanish &&
		   (names_target(event, event.event_id, false) ||
			(has_address(event.kind) && names_target(event, event.address(), true)));
}

bool
has_vanished(const Event &event, Datum pubkey)
{
	ScanKeyData keys[1];
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_BYTEAEQ, pubkey);
	return any_row("vanish_requests", "vanish_requests_pkey", keys, [&](TupleTableSlot *slot) {
		return DatumGetInt64(column(slot, "created_at")) >= event.created_at;
	});
}

/* NIP-62; the requests themselves stay. */
bool
is_vanished(const Event &event)
{
	if (event.kind == nostr::kVanish)
		return false;
	if (has_vanished(event, event.pubkey))
		return true;
	return event.is_gift_wrap() &&
		   archive::any_indexed_tag(event.tags, [&](char name, const nostr::PackedItem &value) {
			   return name == 'p' && value.hex &&
					  has_vanished(event, PointerGetDatum(cstring_to_text_with_len(
											  value.bytes.data(), sizeof(nostr::PublicKey))));
		   });
}

} // namespace

Datum
bigbrotr_is_current(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!is_superseded(Event(fcinfo)));
}

Datum
bigbrotr_is_standing(PG_FUNCTION_ARGS)
{
	Event event(fcinfo);
	PG_RETURN_BOOL(!is_expired(event) && !is_deleted(event) && !is_vanished(event));
}
