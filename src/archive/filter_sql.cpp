/*
 * _bigbrotr.tag_keys, tag_matches, event_matches: the conditions of filters as SQL functions.
 * filter_support.cpp has their planner support.
 */
#include <algorithm>

#include "bytes.h"
#include "filter_argument.h"
#include "lists.h"
#include "tags.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/typcache.h"
}

/* The schema of 0.1.0 has keys without time, which its index holds until the upgrade. */
SQL_FUNCTION(bigbrotr_tag_keys)
{
	bool timed = PG_NARGS() == 2;
	int64_t created_at = timed ? PG_GETARG_INT64(1) : 0;
	std::string_view tags = archive::tags_view(PG_GETARG_DATUM(0));
	auto *keys =
		static_cast<Datum *>(palloc((archive::most_indexed_tags(tags) + 1) * sizeof(Datum)));
	int count = 0;
	archive::any_indexed_tag(tags, [&](char name, const nostr::PackedItem &value) {
		keys[count++] = Int64GetDatum(timed ? nostr::timed_tag_key(name, value, created_at)
											: nostr::tag_key(name, value));
		return false;
	});
	PG_RETURN_ARRAYTYPE_P(
		construct_array(keys, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* ---- tag_matches */

namespace {

/* The values to look for, sorted. The struct lives in a memory context, so no destructor runs. */
struct Values
{
	nostr::PackedItem *values;
	int count;

	bool holds(const nostr::PackedItem &value) const
	{
		return std::binary_search(values, values + count, value);
	}
};

Values *
read_values(ArrayType *array)
{
	Datum *elements;
	bool *nulls;
	auto *out = static_cast<Values *>(palloc0(sizeof(Values)));
	int count =
		archive::count_elements(array, [] { return "argument 3 of _bigbrotr.tag_matches"; });
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	out->values = static_cast<nostr::PackedItem *>(palloc((count + 1) * sizeof(nostr::PackedItem)));
	auto *bytes = static_cast<nostr::HexBytes *>(palloc((count + 1) * sizeof(nostr::HexBytes)));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			out->values[out->count++] =
				nostr::pack_item(archive::view(DatumGetTextPP(elements[i])), bytes[i]);
	std::sort(out->values, out->values + out->count);
	return out;
}

/* The values of the array argument. If the planner says that the argument is constant, they are
 * read once for the whole scan. */
Values *
values_argument(FunctionCallInfo fcinfo)
{
	if (!get_fn_expr_arg_stable(fcinfo->flinfo, 2))
		return read_values(PG_GETARG_ARRAYTYPE_P(2));
	if (fcinfo->flinfo->fn_extra == nullptr) {
		MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = read_values(PG_GETARG_ARRAYTYPE_P_COPY(2));
		MemoryContextSwitchTo(before);
	}
	return static_cast<Values *>(fcinfo->flinfo->fn_extra);
}

} // namespace

SQL_FUNCTION(bigbrotr_tag_matches)
{
	std::string_view tags = archive::tags_view(PG_GETARG_DATUM(0));
	std::string_view name = archive::view(PG_GETARG_TEXT_PP(1));
	if (!nostr::is_indexed_name(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid name of a tag"),
				 errdetail("It must be one letter, a-z or A-Z."),
				 errhint("Tags of other names are read by bigbrotr.tag_values(tags, name).")));
	Values *values = values_argument(fcinfo);
	PG_RETURN_BOOL(archive::any_indexed_tag(tags, [&](char letter, const nostr::PackedItem &value) {
		return letter == name[0] && values->holds(value);
	}));
}

/* ---- event_matches */

namespace {

/* State of one call site in a statement: the last filter, and the numbers of the row's columns. */
struct MatchState
{
	std::string filter_bytes;
	nostr::Filter filter;
	Oid row_type = InvalidOid;
	AttrNumber event_id = 0, pubkey = 0, created_at = 0, kind = 0, tags = 0, content = 0;
	FmgrInfo search; // _bigbrotr.search_matches
};

MatchState *
match_state(FmgrInfo *function)
{
	if (function->fn_extra != nullptr)
		return static_cast<MatchState *>(function->fn_extra);
	auto *callback = pg::call([&] {
		return static_cast<MemoryContextCallback *>(
			MemoryContextAllocZero(function->fn_mcxt, sizeof(MemoryContextCallback)));
	});
	auto *state = new MatchState();
	callback->func = [](void *arg) { delete static_cast<MatchState *>(arg); };
	callback->arg = state;
	MemoryContextRegisterResetCallback(function->fn_mcxt, callback);
	function->fn_extra = state;
	return state;
}

AttrNumber
column(TupleDesc shape, const char *name, Oid type)
{
	Form_pg_attribute found = archive::find_column(shape, name);
	if (found == nullptr || found->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("row has no column \"%s\"", name)));
	return found->attnum;
}

/* Finds the numbers of the columns. May raise an ERROR. */
void
find_columns(MatchState *state, TupleDesc shape)
{
	state->event_id = column(shape, "event_id", BYTEAOID);
	state->pubkey = column(shape, "pubkey", BYTEAOID);
	state->created_at = column(shape, "created_at", INT8OID);
	state->kind = column(shape, "kind", INT4OID);
	state->tags = column(shape, "tags", archive::tags_type(get_namespace_oid("bigbrotr", false)));
	state->content = column(shape, "content", TEXTOID);
}

void
remember_filter(MatchState *state, Jsonb *filter)
{
	std::string_view bytes(VARDATA(filter), VARSIZE(filter) - VARHDRSZ);
	if (state->filter_bytes == bytes && !bytes.empty())
		return;
	state->filter = archive::condition_argument(filter);
	state->filter_bytes = bytes;
}

template <size_t N>
const std::array<uint8_t, N> *
fixed(const bytea *value)
{
	return VARSIZE_ANY_EXHDR(value) == N
			   ? reinterpret_cast<const std::array<uint8_t, N> *>(VARDATA_ANY(value))
			   : nullptr;
}

/* NIP-50. May raise an ERROR. */
bool
search_matches(MatchState *state, FmgrInfo *function, Datum kind, Datum content)
{
	if (state->search.fn_oid == InvalidOid) {
		Oid types[] = {INT4OID, TEXTOID, TEXTOID};
		List *name =
			list_make2(makeString(pstrdup("_bigbrotr")), makeString(pstrdup("search_matches")));
		fmgr_info_cxt(LookupFuncName(name, 3, types, false), &state->search, function->fn_mcxt);
	}
	return DatumGetBool(FunctionCall3Coll(&state->search, DEFAULT_COLLATION_OID, kind, content,
										  archive::text_datum(*state->filter.search)));
}

bool
row_matches(MatchState *state, FmgrInfo *function, HeapTupleHeader row, TupleDesc shape)
{
	HeapTupleData tuple = {};
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_data = row;
	bool null = false, any_null = false;
	auto get = [&](AttrNumber number) {
		Datum value = heap_getattr(&tuple, number, shape, &null);
		any_null |= null;
		return value;
	};
	Datum event_id = get(state->event_id), pubkey = get(state->pubkey),
		  created_at = get(state->created_at), kind = get(state->kind), tags = get(state->tags),
		  content = get(state->content);
	if (any_null)
		return false;
	auto *id = fixed<32>(DatumGetByteaPP(event_id));
	auto *author = fixed<32>(DatumGetByteaPP(pubkey));
	if (id == nullptr || author == nullptr)
		return false;

	nostr::IndexedTag *found = nullptr;
	size_t count = 0;
	if (!state->filter.tags.empty()) {
		std::string_view all = archive::tags_view(tags);
		size_t most = archive::most_indexed_tags(all);
		found = static_cast<nostr::IndexedTag *>(palloc((most + 1) * sizeof(nostr::IndexedTag)));
		auto *digits = static_cast<nostr::HexText *>(palloc(2 * all.size() + 1)); // for all values
		archive::any_indexed_tag(all, [&](char name, const nostr::PackedItem &value) {
			found[count++] = {name, value.hex ? nostr::item_text(value, *digits++) : value.bytes};
			return false;
		});
	}
	return nostr::matches(
			   state->filter,
			   {*id, *author, DatumGetInt64(created_at), DatumGetInt32(kind), {found, count}}) &&
		   (!state->filter.search || search_matches(state, function, kind, content));
}

} // namespace

SQL_FUNCTION(bigbrotr_event_matches)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	Jsonb *filter = PG_GETARG_JSONB_P(1);
	return pg::boundary([&] {
		MatchState *state = match_state(fcinfo->flinfo);
		remember_filter(state, filter);
		if (state->filter.matches_nothing())
			return BoolGetDatum(false);
		return pg::call([&] {
			TupleDesc shape = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
													 HeapTupleHeaderGetTypMod(row));
			if (state->row_type != HeapTupleHeaderGetTypeId(row)) {
				find_columns(state, shape);
				state->row_type = HeapTupleHeaderGetTypeId(row);
			}
			bool out = row_matches(state, fcinfo->flinfo, row, shape);
			ReleaseTupleDesc(shape);
			return BoolGetDatum(out);
		});
	});
}
