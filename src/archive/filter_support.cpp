/*
 * Planner support for bigbrotr.event_matches, tag_matches and related functions. A call with a
 * constant filter becomes plain conditions on columns, which any index on these columns can serve.
 */
#include <algorithm>

#include "nostr/canonical.h"
#include "nostr/facts.h"
#include "pg/border/catalog.h"

#include "filter_argument.h"
#include "pg/border/text.h"
#include "tag_ranges.h"

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/typcache.h"
}

namespace {

/* Operators of pg_catalog, whose numbers never change. */
constexpr Oid kInt4Equal = 96, kByteaEqual = 1955, kInt8NotLess = 415, kInt8NotGreater = 414;

constexpr size_t kAddresses = 2000; // as a list in a condition

/* Builds conditions in the planner's memory, only with calls of the server, which may raise an
 * ERROR. */
class IndexConditions
{
  public:
	IndexConditions(Node *row, TupleDesc shape) : row_(row), shape_(shape) {}

	void within_bytea(const char *column, const Datum *values, size_t count)
	{
		within(column_of(column), kByteaEqual, BYTEAOID, BYTEAARRAYOID, -1, false, values, count);
	}

	void within_int4(const char *column, const Datum *values, size_t count)
	{
		within(column_of(column), kInt4Equal, INT4OID, INT4ARRAYOID, 4, true, values, count);
	}

	/* Adds the condition on addresses of replaceable kinds. */
	void address(const Datum *ids, size_t count)
	{
		Expr *tags = column_of("tags");
		Oid arguments[] = {BYTEAOID, INT4OID, exprType(reinterpret_cast<Node *>(tags))};
		within(call("address_id", arguments,
					list_make3(column_of("pubkey"), column_of("kind"), tags), BYTEAOID),
			   kByteaEqual, BYTEAOID, BYTEAARRAYOID, -1, false, ids, count);
	}

	void compare(const char *column, Oid op, int64_t value)
	{
		add(make_opclause(
			op, BOOLOID, false, column_of(column),
			reinterpret_cast<Expr *>(makeConst(INT8OID, -1, InvalidOid, 8, Int64GetDatum(value),
											   false, FLOAT8PASSBYVAL)),
			InvalidOid, InvalidOid));
	}

	/* Adds two conditions: the index finds rows by keys, which may collide, and tag_matches
	 * compares the values. */
	void tag(char name, const Datum *values, size_t count, ArrayType *ranges)
	{
		Expr *tags = column_of("tags");
		Oid type = exprType(reinterpret_cast<Node *>(tags));
		Oid key_arguments[] = {type, INT8OID}, arguments[] = {type, TEXTOID, TEXTARRAYOID};
		List *name_of_op = list_make2(makeString(pstrdup("_bigbrotr")), makeString(pstrdup("@@")));
		add(make_opclause(
			OpernameGetOprid(name_of_op, INT8ARRAYOID, INT8ARRAYOID), BOOLOID, false,
			call("tag_keys", key_arguments, list_make2(tags, column_of("created_at")),
				 INT8ARRAYOID),
			reinterpret_cast<Expr *>(
				makeConst(INT8ARRAYOID, -1, InvalidOid, -1, PointerGetDatum(ranges), false, false)),
			InvalidOid, InvalidOid));
		add(call("tag_matches", arguments,
				 list_make3(column_of("tags"), text_constant({&name, 1}),
							array(values, count, TEXTOID, TEXTARRAYOID, -1, false)),
				 BOOLOID));
	}

	void search(std::string_view words)
	{
		Oid arguments[] = {INT4OID, TEXTOID, TEXTOID};
		add(call("search_matches", arguments,
				 list_make3(column_of("kind"), column_of("content"), text_constant(words)),
				 BOOLOID));
	}

	/* An outer join may produce a row of nulls, which no filter matches. So an empty filter becomes
	 * event_id IS NOT NULL. */
	Expr *all()
	{
		if (list_ == NIL) {
			NullTest *there = makeNode(NullTest);
			there->arg = column_of("event_id");
			there->nulltesttype = IS_NOT_NULL;
			there->location = -1;
			add(reinterpret_cast<Expr *>(there));
		}
		return make_ands_explicit(list_);
	}

  private:
	void add(Expr *condition) { list_ = lappend(list_, condition); }

	Expr *column_of(const char *name)
	{
		Form_pg_attribute found = archive::find_column(shape_, name);
		if (found == nullptr)
			elog(ERROR, "row has no column \"%s\"", name);
		FieldSelect *field = makeNode(FieldSelect);
		field->arg = reinterpret_cast<Expr *>(copyObjectImpl(row_));
		field->fieldnum = found->attnum;
		field->resulttype = found->atttypid;
		field->resulttypmod = found->atttypmod;
		field->resultcollid = found->attcollation;
		return reinterpret_cast<Expr *>(field);
	}

	static Expr *array(const Datum *values, size_t count, Oid element, Oid type, int16 length,
					   bool by_value)
	{
		ArrayType *array = construct_array(const_cast<Datum *>(values), static_cast<int>(count),
										   element, length, by_value, TYPALIGN_INT);
		return reinterpret_cast<Expr *>(
			makeConst(type, -1, element == TEXTOID ? DEFAULT_COLLATION_OID : InvalidOid, -1,
					  PointerGetDatum(array), false, false));
	}

	static Expr *text_constant(std::string_view text)
	{
		return reinterpret_cast<Expr *>(
			makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1, pg::text_datum(text), false, false));
	}

	/* A call whose text argument gets the default collation. */
	template <size_t N>
	static Expr *call(const char *function, const Oid (&types)[N], List *arguments, Oid result)
	{
		pg::require_schema();
		List *name = list_make2(makeString(pstrdup("_bigbrotr")), makeString(pstrdup(function)));
		bool text = std::find(types, types + N, TEXTOID) != types + N;
		return reinterpret_cast<Expr *>(
			makeFuncExpr(LookupFuncName(name, N, types, false), result, arguments, InvalidOid,
						 text ? DEFAULT_COLLATION_OID : InvalidOid, COERCE_EXPLICIT_CALL));
	}

	void within(Expr *left, Oid op, Oid element, Oid type, int16 length, bool by_value,
				const Datum *values, size_t count)
	{
		if (count == 1) {
			add(make_opclause(op, BOOLOID, false, left,
							  reinterpret_cast<Expr *>(makeConst(element, -1, InvalidOid, length,
																 values[0], false, by_value)),
							  InvalidOid, InvalidOid));
			return;
		}
		ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);
		any->opno = op;
		any->opfuncid = get_opcode(op);
		any->useOr = true;
		any->args = list_make2(left, array(values, count, element, type, length, by_value));
		any->location = -1;
		add(reinterpret_cast<Expr *>(any));
	}

	Node *row_;
	TupleDesc shape_;
	List *list_ = NIL;
};

/* bytea datums have the same layout as text. */
template <class Key>
Datum *
key_datums(const std::vector<Key> &keys)
{
	auto *out = static_cast<Datum *>(palloc((keys.size() + 1) * sizeof(Datum)));
	for (size_t i = 0; i < keys.size(); i++)
		out[i] = pg::text_datum(nostr::view(keys[i]));
	return out;
}

/*
 * The values of _bigbrotr.address_id for a filter with authors and replaceable kinds, such as
 * profiles and follow lists. An index on these finds just the events; the indexes on authors or
 * kinds would return all events of the author or the kind. None for other filters.
 */
std::vector<nostr::Id>
addresses(const nostr::Filter &filter)
{
	std::vector<nostr::Id> out;
	if (!filter.authors || !filter.kinds ||
		filter.authors->size() * filter.kinds->size() > kAddresses ||
		!std::all_of(filter.kinds->begin(), filter.kinds->end(), [](int32_t kind) {
			return nostr::kind_class(kind) == nostr::KindClass::Replaceable;
		}))
		return out;
	for (const nostr::PublicKey &author : *filter.authors)
		for (int32_t kind : *filter.kinds)
			out.push_back(nostr::sha256(nostr::address(kind, nostr::view(author))));
	return out;
}

/* May raise an ERROR, so it owns no C++ object. */
Node *
conditions(const nostr::Filter &filter, const std::vector<nostr::Id> &addresses, Node *row,
		   TupleDesc shape)
{
	if (filter.matches_nothing())
		return makeBoolConst(false, false);
	IndexConditions out(row, shape);
	if (filter.ids)
		out.within_bytea("event_id", key_datums(*filter.ids), filter.ids->size());
	if (!addresses.empty())
		out.address(key_datums(addresses), addresses.size());
	if (filter.authors && addresses.empty())
		out.within_bytea("pubkey", key_datums(*filter.authors), filter.authors->size());
	if (filter.kinds && addresses.empty()) {
		auto *kinds = static_cast<Datum *>(palloc(filter.kinds->size() * sizeof(Datum)));
		for (size_t i = 0; i < filter.kinds->size(); i++)
			kinds[i] = Int32GetDatum((*filter.kinds)[i]);
		out.within_int4("kind", kinds, filter.kinds->size());
	}
	for (const nostr::TagCondition &tag : filter.tags) {
		size_t count = tag.values.size();
		auto *values = static_cast<Datum *>(palloc(count * sizeof(Datum)));
		for (size_t i = 0; i < count; i++)
			values[i] = pg::text_datum(tag.values[i]);
		archive::Weeks weeks = {nostr::period_of(filter.since.value_or(0)),
								nostr::period_of(filter.until.value_or(PG_INT64_MAX))};
		out.tag(tag.name, values, count, archive::to_array(archive::tag_ranges(tag, weeks)));
	}
	if (filter.since)
		out.compare("created_at", kInt8NotLess, *filter.since);
	if (filter.until)
		out.compare("created_at", kInt8NotGreater, *filter.until);
	if (filter.search)
		out.search(*filter.search);
	return reinterpret_cast<Node *>(out.all());
}

/* The expression that replaces the call, or null if the call must stay. */
Node *
simplified(const SupportRequestSimplify *request)
{
	auto *row = static_cast<Node *>(linitial(request->fcall->args));
	auto *constant = static_cast<Const *>(lsecond(request->fcall->args));
	/* The row expression is copied once per column, so a volatile or expensive one is not
	 * inlined. */
	if (!IsA(constant, Const) || constant->constisnull || !(IsA(row, Var) || IsA(row, RowExpr)))
		return nullptr;
	TupleDesc shape = pg::call(
		[&] { return lookup_rowtype_tupdesc_noerror(exprType(row), exprTypmod(row), true); });
	if (shape == nullptr)
		return nullptr;
	nostr::Filter filter =
		archive::condition_argument(pg::call([&] { return DatumGetJsonbP(constant->constvalue); }));
	std::vector<nostr::Id> ids = addresses(filter);
	return pg::call([&] {
		Node *out = eval_const_expressions(request->root, conditions(filter, ids, row, shape));
		ReleaseTupleDesc(shape);
		return out;
	});
}

} // namespace

SQL_FUNCTION(bigbrotr_event_matches_support)
{
	auto *request = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
	if (!IsA(request, SupportRequestSimplify))
		return Datum(0);
	return pg::boundary([&] {
		return PointerGetDatum(simplified(reinterpret_cast<SupportRequestSimplify *>(request)));
	});
}

/*
 * For functions that are true for nearly every row: tag_matches, which stands next to an equivalent
 * condition on tag_keys, is_current and is_visible.
 */
SQL_FUNCTION(bigbrotr_certain_support)
{
	auto *request = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
	if (!IsA(request, SupportRequestSelectivity))
		return Datum(0);
	reinterpret_cast<SupportRequestSelectivity *>(request)->selectivity = 1;
	PG_RETURN_POINTER(request);
}
