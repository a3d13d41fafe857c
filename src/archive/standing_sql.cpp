/*
 * bigbrotr.event_address, address_id, is_current, is_visible, is_public: the address of an event,
 * and whether other events replace, delete or hide the event.
 *
 * is_current and is_visible are called for every row of an answer, so they use indexes directly. As
 * subqueries they would cost more planning time than the rest of the statement, and take five times
 * as long.
 */
#include "nostr/canonical.h"
#include "nostr/facts.h"
#include "pg/border/time.h"

#include "bytes.h"
#include "lookup.h"
#include "tags.h"

extern "C" {
#include "access/stratnum.h"
#include "catalog/pg_opfamily_d.h"
#include "utils/fmgroids.h"
}

namespace {

constexpr int32_t kGiftWrap = 1059, kEphemeralGiftWrap = 21059; // NIP-59
/* NIP-59 gives a gift wrap one receiver. Each receiver costs two look-ups. */
constexpr int kMostReceivers = 10; // _bigbrotr.masters() has this number, too

bool
has_address(int32_t kind)
{
	nostr::KindClass kind_class = nostr::kind_class(kind);
	return kind_class == nostr::KindClass::Replaceable ||
		   kind_class == nostr::KindClass::Addressable;
}

/* The value of the first d tag of an addressable event; empty if there is none. May raise an
 * ERROR. */
nostr::PackedItem
identifier(int32_t kind, std::string_view tags)
{
	nostr::PackedItem value;
	if (nostr::kind_class(kind) == nostr::KindClass::Addressable)
		archive::first_value(tags, {"d"}, value);
	return value;
}

/* The address of an event whose kind has addresses. */
std::string
address(std::string_view pubkey, int32_t kind, const nostr::PackedItem &identifier)
{
	nostr::HexText buffer;
	return nostr::address(kind, pubkey, nostr::item_text(identifier, buffer));
}

/* The id of the address as bytea. May raise an ERROR. */
Datum
address_id(std::string_view pubkey, int32_t kind, std::string_view tags)
{
	nostr::PackedItem d = identifier(kind, tags);
	return pg::boundary(
		[&] { return archive::varlena_datum(nostr::sha256(address(pubkey, kind, d))); });
}

} // namespace

SQL_FUNCTION(bigbrotr_address)
{
	std::string_view pubkey = archive::view(PG_GETARG_BYTEA_PP(0));
	int32_t kind = PG_GETARG_INT32(1);
	if (!has_address(kind))
		PG_RETURN_NULL();
	nostr::PackedItem d = identifier(kind, archive::tags_view(PG_GETARG_DATUM(2)));
	return pg::boundary([&] { return archive::varlena_datum(address(pubkey, kind, d)); });
}

SQL_FUNCTION(bigbrotr_address_id)
{
	int32_t kind = PG_GETARG_INT32(1);
	if (!has_address(kind))
		PG_RETURN_NULL();
	return address_id(archive::view(PG_GETARG_BYTEA_PP(0)), kind,
					  archive::tags_view(PG_GETARG_DATUM(2)));
}

namespace {

using archive::Lookup;
using archive::LookupKey;
using archive::LookupShape;

/* All names are qualified, because these functions run with any search path. */
#define IS " OPERATOR(pg_catalog.=) "
#define SINCE " OPERATOR(pg_catalog.>=) "

constexpr const char *kAddressParts[] = {"pubkey", "kind", "tags"};
constexpr LookupKey kVersionKeys[] = {
	{"address_id", kAddressParts, BYTEAOID, BYTEA_BTREE_FAM_OID, BTEqualStrategyNumber, F_BYTEAEQ},
	{"created_at", {}, INT8OID, INTEGER_BTREE_FAM_OID, BTGreaterEqualStrategyNumber, F_INT8GE},
};
constexpr const char *kVersionColumns[] = {"created_at", "event_id"};
constexpr Oid kVersionTypes[] = {BYTEAOID, INT8OID, BYTEAOID, BYTEAOID, INT4OID};
SPIPlanPtr versions_plan;
/* Events with the same address, from a time on. The statement finds only events that replace this
 * event. */
constexpr LookupShape kVersions = {
	.table = "events",
	.keys = kVersionKeys,
	.columns = kVersionColumns,
	.statement = "SELECT FROM bigbrotr.events AS e WHERE e.pubkey" IS "$4 AND e.kind" IS "$5 AND "
				 "_bigbrotr.address_id(e.pubkey, e.kind, e.tags)" IS "$1 AND e.created_at" SINCE
				 "$2 AND (e.created_at OPERATOR(pg_catalog.>) $2 "
				 "OR e.event_id OPERATOR(pg_catalog.<) $3)",
	.types = kVersionTypes,
	.plan = &versions_plan,
};

constexpr LookupKey kDeletionKeys[] = {
	{"target", {}, BYTEAOID, BYTEA_BTREE_FAM_OID, BTEqualStrategyNumber, F_BYTEAEQ},
	{"by_address", {}, BOOLOID, BOOL_BTREE_FAM_OID, BTEqualStrategyNumber, F_BOOLEQ},
	{"pubkey", {}, BYTEAOID, BYTEA_BTREE_FAM_OID, BTEqualStrategyNumber, F_BYTEAEQ},
};
constexpr const char *kRequestColumns[] = {"created_at"};
constexpr Oid kDeletionTypes[] = {BYTEAOID, BOOLOID, BYTEAOID, INT8OID};
SPIPlanPtr deletions_plan;
/* Deletion requests of an author for a target, from a time on. */
constexpr LookupShape kDeletions = {
	.table = "deletions",
	.keys = kDeletionKeys,
	.columns = kRequestColumns,
	.statement = "SELECT FROM bigbrotr.deletions AS d WHERE d.target" IS "$1 AND d.by_address" IS
				 "$2 AND d.pubkey" IS "$3 AND d.created_at" SINCE "$4",
	.types = kDeletionTypes,
	.plan = &deletions_plan,
};

constexpr LookupKey kVanishKeys[] = {
	{"pubkey", {}, BYTEAOID, BYTEA_BTREE_FAM_OID, BTEqualStrategyNumber, F_BYTEAEQ},
};
constexpr Oid kVanishTypes[] = {BYTEAOID, INT8OID};
SPIPlanPtr vanish_plan;
/* Vanish requests of an author, from a time on. */
constexpr LookupShape kVanishRequests = {
	.table = "vanish_requests",
	.keys = kVanishKeys,
	.columns = kRequestColumns,
	.statement = "SELECT FROM bigbrotr.vanish_requests AS v WHERE v.pubkey" IS
				 "$1 AND v.created_at" SINCE "$2",
	.types = kVanishTypes,
	.plan = &vanish_plan,
};

#undef IS
#undef SINCE

/* The arguments of is_current and is_visible. */
struct EventArguments
{
	Datum event_id, pubkey;
	int64_t created_at;
	int32_t kind;
	std::string_view tags;

	explicit EventArguments(FunctionCallInfo fcinfo)
		: event_id(PG_GETARG_DATUM(0)), pubkey(PG_GETARG_DATUM(1)), created_at(PG_GETARG_INT64(2)),
		  kind(PG_GETARG_INT32(3)), tags(archive::tags_view(PG_GETARG_DATUM(4)))
	{
	}

	Datum address() const { return address_id(archive::view(DatumGetByteaPP(pubkey)), kind, tags); }

	/* Whether says(key) is true for the author or, if the event is a gift wrap, for one of its
	 * first receivers. A gift wrap is signed by a throw-away key. */
	template <class F> bool any_owner(F says) const
	{
		int receivers = 0;
		return says(pubkey) ||
			   (is_gift_wrap() &&
				archive::any_indexed_tag(tags, [&](char name, const nostr::PackedItem &value) {
					return name == 'p' && value.hex && receivers++ < kMostReceivers &&
						   says(archive::text_datum(value.bytes));
				}));
	}

	bool is_gift_wrap() const { return kind == kGiftWrap || kind == kEphemeralGiftWrap; }
};

bool
is_superseded(Lookup &versions, const EventArguments &event)
{
	Datum values[] = {event.address(), Int64GetDatum(event.created_at), event.event_id,
					  event.pubkey, Int32GetDatum(event.kind)};
	return versions.any(values, [&](const Lookup &found) {
		return DatumGetInt64(found.column(0)) > event.created_at ||
			   archive::view(DatumGetByteaPP(found.column(1))) <
				   archive::view(DatumGetByteaPP(event.event_id));
	});
}

/* Expiration (NIP-40). */
bool
is_expired(const EventArguments &event)
{
	nostr::PackedItem value;
	nostr::HexText buffer;
	if (!archive::first_value(event.tags, {"expiration"}, value))
		return false;
	std::optional<int64_t> seconds = nostr::parse_expiration(nostr::item_text(value, buffer));
	return seconds && *seconds <= pg::transaction_time();
}

bool
names_target(Lookup &deletions, const EventArguments &event, Datum target, bool by_address)
{
	int64_t since = by_address ? event.created_at : PG_INT64_MIN;
	return event.any_owner([&](Datum owner) {
		Datum values[] = {target, BoolGetDatum(by_address), owner, Int64GetDatum(since)};
		return deletions.any(
			values, [&](const Lookup &found) { return DatumGetInt64(found.column(0)) >= since; });
	});
}

/* Deletion requests (NIP-09), which cannot be undone. */
bool
is_deleted(Lookup &deletions, const EventArguments &event)
{
	return event.kind != nostr::kDeletion && event.kind != nostr::kVanish &&
		   (names_target(deletions, event, event.event_id, false) ||
			(has_address(event.kind) && names_target(deletions, event, event.address(), true)));
}

/* Vanish requests (NIP-62); the requests themselves stay visible. */
bool
is_vanished(Lookup &requests, const EventArguments &event)
{
	return event.kind != nostr::kVanish && event.any_owner([&](Datum owner) {
		Datum values[] = {owner, Int64GetDatum(event.created_at)};
		return requests.any(values, [&](const Lookup &found) {
			return DatumGetInt64(found.column(0)) >= event.created_at;
		});
	});
}

} // namespace

SQL_FUNCTION(bigbrotr_is_current)
{
	EventArguments event(fcinfo);
	PG_RETURN_BOOL(!has_address(event.kind) ||
				   !is_superseded(Lookup::of(fcinfo->flinfo, 0, 1, kVersions), event));
}

SQL_FUNCTION(bigbrotr_is_visible)
{
	EventArguments event(fcinfo);
	PG_RETURN_BOOL(!is_expired(event) &&
				   !is_deleted(Lookup::of(fcinfo->flinfo, 0, 2, kDeletions), event) &&
				   !is_vanished(Lookup::of(fcinfo->flinfo, 1, 2, kVanishRequests), event));
}

SQL_FUNCTION(bigbrotr_is_public)
{
	if (nostr::is_private(PG_GETARG_INT32(0)))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(!archive::any_tag(archive::tags_view(PG_GETARG_DATUM(1)),
									 [](const nostr::PackedItem &name, const nostr::PackedItem &) {
										 return name == nostr::PackedItem{"-"}; // NIP-70
									 }));
}
