/*
 * SQL functions on events: bigbrotr.parse_event, verify_event, verify_event_reason, event_id,
 * canonical_json, event_json, sign_event, public_key.
 */
#include <cstring>
#include <iterator>
#include <stdexcept>

#include "nostr/keys.h"

#include "bytes.h"
#include "nul.h"
#include "refusal.h"
#include "tags.h"

extern "C" {
#include "access/htup_details.h"
#include "mb/pg_wchar.h"
#include "utils/typcache.h"
}

namespace {

nostr::EventParser &
parser()
{
	static nostr::EventParser one;
	return one;
}

bool
has_good_signature(const nostr::Event &event)
{
	static nostr::Verifier verifier;
	return verifier.verify(event.id, event.pubkey, event.sig);
}

/* Why the JSON is not a valid event; null if it is. */
const char *
fault_of_json(Datum json)
{
	nostr::Event event;
	nostr::Reject reason = parser().parse(archive::varlena_view(json), event);
	if (reason == nostr::Reject::None && !has_good_signature(event))
		reason = nostr::Reject::BadSignature;
	return reason == nostr::Reject::None ? nullptr : nostr::reject_code(reason);
}

[[noreturn]] void
out_of_range(const char *name, int64_t value, const char *range)
{
	throw pg::Error(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
					std::string(name) + " " + std::to_string(value) + " is out of range",
					std::string("It goes from ") + range + ".",
					"See NIP-01 for the fields of an event.");
}

void
set_time_and_kind(nostr::Event &event, int64_t created_at, int32_t kind)
{
	if (created_at < 0)
		out_of_range("created_at", created_at, "0 to 2^63-1, Unix seconds");
	if (kind < 0 || kind > 65535)
		out_of_range("kind", kind, "0 to 65535");
	event.created_at = created_at;
	event.kind = kind;
}

void
set_tags_and_content(nostr::Event &event, Datum tags, Datum content)
{
	archive::append_tags_json(tags, event.tags);
	event.content = archive::varlena_view(content);
}

/* An event from the arguments from `first` on: pubkey, created_at, kind, tags, content. */
nostr::Event
event_argument(FunctionCallInfo fcinfo, int first)
{
	nostr::Event event;
	event.pubkey = archive::array_argument<32>(PG_GETARG_DATUM(first), "pubkey");
	set_time_and_kind(event, PG_GETARG_INT64(first + 1), PG_GETARG_INT32(first + 2));
	set_tags_and_content(event, PG_GETARG_DATUM(first + 3), PG_GETARG_DATUM(first + 4));
	return event;
}

/* The columns of bigbrotr.events that make an event. */
constexpr const char *kColumns[] = {"event_id", "pubkey",  "created_at", "kind",
									"tags",     "content", "sig",        "raw"};
constexpr int kColumnCount = std::size(kColumns);

struct ColumnNumbers
{
	Oid type; // type of the row
	int numbers[kColumnCount];
};

/* The column numbers in a row of this type, looked up once per call site. May raise an ERROR. */
const ColumnNumbers &
column_numbers(FmgrInfo *function, TupleDesc shape)
{
	auto *known = static_cast<ColumnNumbers *>(function->fn_extra);
	if (known && known->type == shape->tdtypeid)
		return *known;
	known = static_cast<ColumnNumbers *>(
		MemoryContextAllocZero(function->fn_mcxt, sizeof(ColumnNumbers)));
	known->type = shape->tdtypeid;
	for (int i = 0; i < kColumnCount; i++)
		for (int n = 0; n < shape->natts; n++)
			if (!TupleDescAttr(shape, n)->attisdropped &&
				strcmp(NameStr(TupleDescAttr(shape, n)->attname), kColumns[i]) == 0)
				known->numbers[i] = n + 1;
	for (int number : known->numbers)
		if (number == 0)
			elog(ERROR, "this is no row of bigbrotr.events");
	function->fn_extra = known;
	return *known;
}

/* The values of kColumns in their order. May raise an ERROR. */
void
read_columns(FunctionCallInfo fcinfo, Datum *values)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	TupleDesc shape =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
	const ColumnNumbers &columns = column_numbers(fcinfo->flinfo, shape);
	HeapTupleData tuple = {};
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	auto *all = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<size_t>(shape->natts)));
	auto *nulls = static_cast<bool *>(palloc(static_cast<size_t>(shape->natts)));
	heap_deform_tuple(&tuple, shape, all, nulls);
	for (int i = 0; i < kColumnCount; i++) {
		if (nulls[columns.numbers[i] - 1])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("the event has no %s", kColumns[i]),
							errdetail("A row of bigbrotr.events has no nulls."),
							errhint("Give a row of that table.")));
		values[i] = all[columns.numbers[i] - 1];
	}
	ReleaseTupleDesc(shape);
}

/* Why the fields are not a valid event; null if they are. Arguments: event_id, pubkey, created_at,
 * kind, tags, content, sig. */
const char *
fault_of_fields(FunctionCallInfo fcinfo)
{
	nostr::Event event = event_argument(fcinfo, 1);
	event.id = archive::array_argument<32>(PG_GETARG_DATUM(0), "event_id");
	event.sig = archive::array_argument<64>(PG_GETARG_DATUM(6), "sig");
	if (nostr::compute_id(event) != event.id)
		return nostr::reject_code(nostr::Reject::IdMismatch);
	return has_good_signature(event) ? nullptr : nostr::reject_code(nostr::Reject::BadSignature);
}

/* A secret key that the destructor erases. */
class Secret
{
  public:
	explicit Secret(Datum datum) : key_(archive::array_argument<32>(datum, "secret_key")) {}
	~Secret() { explicit_bzero(key_.data(), key_.size()); }
	Secret(const Secret &) = delete;
	Secret &operator=(const Secret &) = delete;

	nostr::Signer signer() const
	{
		try {
			return nostr::Signer(key_);
		} catch (const std::invalid_argument &) {
			throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "invalid secret key",
							"It is zero, or not below the order of the curve.",
							"Take another 32 random bytes.");
		}
	}

  private:
	nostr::SecretKey key_;
};

} // namespace

SQL_FUNCTION(bigbrotr_parse_event)
{
	TupleDesc shape = archive::result_row(fcinfo);
	return pg::boundary([&] {
		nostr::Event event;
		nostr::Reject reason = parser().parse(archive::varlena_view(PG_GETARG_DATUM(0)), event);
		if (reason != nostr::Reject::None)
			archive::refuse_event(reason);
		std::string raw;
		if (event.has_nul) {
			raw = nostr::to_json(event);
			event.tags = archive::without_nul_escapes(event.tags);
			event.content = archive::without_nul(event.content);
		}
		Datum values[8] = {
			archive::varlena_datum(event.id),  archive::varlena_datum(event.pubkey),
			Int64GetDatum(event.created_at),   Int32GetDatum(event.kind),
			archive::packed_tags(event.tags),  archive::varlena_datum(event.content),
			archive::varlena_datum(event.sig), archive::varlena_datum(raw),
		};
		bool nulls[8] = {};
		return archive::row_datum(shape, values, nulls);
	});
}

SQL_FUNCTION(bigbrotr_verify_json)
{
	return pg::boundary([&] { return BoolGetDatum(fault_of_json(PG_GETARG_DATUM(0)) == nullptr); });
}

SQL_FUNCTION(bigbrotr_verify_json_reason)
{
	return archive::reason_result(fcinfo,
								  pg::boundary([&] { return fault_of_json(PG_GETARG_DATUM(0)); }));
}

SQL_FUNCTION(bigbrotr_verify_fields)
{
	return pg::boundary([&] { return BoolGetDatum(fault_of_fields(fcinfo) == nullptr); });
}

SQL_FUNCTION(bigbrotr_verify_fields_reason)
{
	return archive::reason_result(fcinfo, pg::boundary([&] { return fault_of_fields(fcinfo); }));
}

SQL_FUNCTION(bigbrotr_event_id)
{
	return pg::boundary(
		[&] { return archive::varlena_datum(nostr::compute_id(event_argument(fcinfo, 0))); });
}

SQL_FUNCTION(bigbrotr_canonical_json)
{
	return pg::boundary([&] {
		std::string text;
		nostr::append_canonical(event_argument(fcinfo, 0), text);
		return archive::varlena_datum(text);
	});
}

/* This function is called for every row of an answer, so it must be fast. */
SQL_FUNCTION(bigbrotr_event_json)
{
	Datum values[kColumnCount];
	read_columns(fcinfo, values);
	return pg::boundary([&] {
		/* An event that text cannot hold has its exact JSON in `raw`. */
		std::string_view raw = archive::varlena_view(values[7]);
		if (!raw.empty()) {
			pg::call([&] { pg_verify_mbstr(PG_UTF8, raw.data(), int(raw.size()), false); });
			return archive::varlena_datum(raw);
		}
		nostr::Event event;
		event.id = archive::array_argument<32>(values[0], "event_id");
		event.pubkey = archive::array_argument<32>(values[1], "pubkey");
		set_time_and_kind(event, DatumGetInt64(values[2]), DatumGetInt32(values[3]));
		set_tags_and_content(event, values[4], values[5]);
		event.sig = archive::array_argument<64>(values[6], "sig");
		return archive::varlena_datum(nostr::to_json(event));
	});
}

SQL_FUNCTION(bigbrotr_sign_event)
{
	return pg::boundary([&] {
		Secret secret(PG_GETARG_DATUM(0));
		nostr::Event event;
		set_time_and_kind(event, PG_GETARG_INT64(4), PG_GETARG_INT32(1));
		set_tags_and_content(event, PG_GETARG_DATUM(3), PG_GETARG_DATUM(2));
		std::array<uint8_t, 32> aux;
		if (!pg_strong_random(aux.data(), aux.size()))
			throw pg::Error(ERRCODE_INTERNAL_ERROR, "could not generate random bytes");
		secret.signer().sign(event, aux);
		return archive::varlena_datum(nostr::to_json(event));
	});
}

SQL_FUNCTION(bigbrotr_public_key)
{
	return pg::boundary(
		[&] { return archive::varlena_datum(Secret(PG_GETARG_DATUM(0)).signer().pubkey()); });
}
