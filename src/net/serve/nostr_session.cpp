#include "net/serve/nostr_session.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "net/serve/live_feed.h"
#include "net/serve/row_format.h"
#include "nostr/filter.h"

namespace net {
namespace {

constexpr int kNips[] = {1, 11, 45, 50, 67, 77};

std::string
quoted(std::string_view verb, std::string_view id)
{
	return "[\"" + std::string(verb) + "\"," + json_string(id);
}

} // namespace

/* A hash of the event's id, to compare events within one subscription; 0 if the JSON does not begin
 * as expected. */
static uint64_t
id_hash(std::string_view json)
{
	constexpr std::string_view member = "\"id\":\"";
	size_t begin = json.find(member);
	if (begin == std::string_view::npos)
		return 0;
	return std::hash<std::string_view>()(json.substr(begin + member.size(), 64));
}

/* Number of values in the lists of the filter. */
static size_t
value_count(const nostr::Filter &filter)
{
	size_t count = 0;
	auto add = [&](const auto &list) { count += list ? list->size() : 0; };
	add(filter.ids);
	add(filter.authors);
	add(filter.kinds);
	for (const nostr::TagCondition &tag : filter.tags)
		count += tag.values.size();
	return count;
}

/*
 * One REQ or COUNT: sends the stored events, EOSE, then new events. New events that come before
 * EOSE wait, and are dropped if they were among the stored ones.
 */
class NostrSession::Subscription final : public Calls::Caller, public LiveReader
{
  public:
	Subscription(NostrSession &session, std::string id, std::vector<nostr::Filter> filters,
				 bool count)
		: session_(session), id_(std::move(id)), count_(count)
	{
		/* A filter with a search is dropped here, because new events are not searched for words. */
		std::erase_if(filters, [](const nostr::Filter &filter) { return filter.search; });
		is_live_ = !count && !filters.empty();
		for (const nostr::Filter &filter : filters)
			live_values_ += is_live_ ? value_count(filter) : 0;
		if (is_live_)
			session_.server_.feed->readers().add(*this, std::move(filters));
	}
	~Subscription() override
	{
		session_.server_.feed->readers().remove(*this);
		if (call_ != 0)
			session_.server_.calls.cancel(call_);
	}

	size_t live_values() const { return live_values_; }

	/* Begins the call; false if there are too many. `rows`: limit of the only filter; the call asks
	 * for one row more, to learn if the relay has more events. */
	bool begin(const ApiRoute &route, std::string filters, std::optional<int64_t> rows)
	{
		rows_ = rows;
		Values values;
		values.emplace_back("filters", std::move(filters));
		Server &server = session_.server_;
		call_ = server.calls.begin(route, route.named(std::move(values)), *this, &session_.visitor_,
								   server.admission.cost_limit(session_.visitor_));
		return call_ != 0;
	}

	void end_of_stored(const char *hint)
	{
		session_.out_.send_message(quoted("EOSE", id_) + hint + "]");
		for (const auto &[hash, json] : new_)
			if (!stored_.contains(hash))
				send_event(json);
		new_.clear();
		stored_.clear();
	}

	void on_event(const nostr::Event &, std::string_view json, uint64_t) override
	{
		if (call_ == 0)
			send_event(json);
		else
			new_.emplace_back(id_hash(json), json);
		if (call_ == 0 ? session_.out_.is_slow() : new_.size() > kMaxNew)
			session_.close({count_, id_}, "error: new events come faster than they are read");
	}

	void on_missed() override
	{
		session_.close({count_, id_}, "error: new events came faster than they could be served");
	}

	void give_credit()
	{
		for (; owed_ > 0; owed_--)
			session_.server_.calls.taken(call_);
	}

  private:
	static constexpr size_t kMaxNew = 1000; // events that wait for the EOSE

	void send_event(std::string_view json)
	{
		std::string text;
		text.reserve(event_head_.size() + json.size() + 1);
		text.append(event_head_).append(json).append("]");
		session_.out_.send_message(std::move(text));
	}

	void on_rows(const wire::Rows &rows) override
	{
		owed_++;
		for (const wire::Row &row : rows.rows) {
			if (count_) {
				session_.out_.send_message(quoted("COUNT", id_) + "," + std::string(row.item) +
										   "]");
			} else if (!rows_ || sent_ < *rows_) {
				send_event(row.item);
				if (is_live_)
					stored_.insert(id_hash(row.item));
			}
			sent_++;
		}
		if (!session_.out_.is_slow())
			give_credit();
	}

	void on_end(const wire::CallEnd &end) override
	{
		call_ = 0;
		owed_ = 0;
		if (!end.sqlstate.empty())
			return session_.close({count_, id_}, fault_text(end));
		if (count_)
			return void(session_.subscriptions_.erase(Key{count_, id_}));
		/* The hint of NIP-67. With several filters, each has its own limit, so there is no hint. */
		end_of_stored(!rows_ ? "" : sent_ > *rows_ ? ",[\"more\"]" : ",[\"finish\"]");
	}

	NostrSession &session_;
	const std::string id_;
	const std::string event_head_ = quoted("EVENT", id_) + ",";
	const bool count_;
	bool is_live_ = false; // continues with new events
	size_t live_values_ = 0;
	std::optional<int64_t> rows_;
	int64_t sent_ = 0;
	uint64_t call_ = 0; // 0: the call has ended
	int owed_ = 0;      // pieces without taken() so far
	std::unordered_set<uint64_t> stored_;
	std::vector<std::pair<uint64_t, std::string>> new_;
};

NostrSession::NostrSession(Server &server, Out &out, const Visitor &visitor)
	: server_(server), out_(out), visitor_(visitor)
{
}

NostrSession::~NostrSession() = default;

void
NostrSession::notice(std::string_view text)
{
	out_.send_message("[\"NOTICE\"," + json_string(text) + "]");
}

void
NostrSession::on_message(std::string_view text)
{
	using nostr::ClientMessageType;
	server_.messages++;
	nostr::ClientMessage message;
	const nostr::Reject reject = nostr::parse_client_message(text, message);
	switch (message.type) {
	case ClientMessageType::Event:
	case ClientMessageType::Auth:
		if (reject != nostr::Reject::None)
			return notice("invalid: the event is malformed");
		return out_.send_message("[\"OK\",\"" +
								 nostr::to_hex(message.event.id.data(), message.event.id.size()) +
								 "\",false," +
								 json_string(message.type == ClientMessageType::Event
												 ? "blocked: this relay is read-only"
												 : "invalid: no challenge was issued") +
								 "]");
	case ClientMessageType::Req:
	case ClientMessageType::Count:
		if (reject != nostr::Reject::None)
			return refuse(message);
		return ask(message, message.type == ClientMessageType::Count);
	case ClientMessageType::Close:
		subscriptions_.erase(Key{false, message.subscription});
		subscriptions_.erase(Key{true, message.subscription});
		return;
	case ClientMessageType::NegOpen:
	case ClientMessageType::NegMsg:
		if (reject != nostr::Reject::None)
			return refuse(message);
		return reconcile(message);
	case ClientMessageType::NegClose:
		reconciliations_.erase(message.subscription);
		return;
	case ClientMessageType::Unknown:
		return notice("invalid: unknown message");
	}
}

void
NostrSession::ask(const nostr::ClientMessage &message, bool count)
{
	const std::string &id = message.subscription;
	const Key key{count, id};
	auto closed = [&](const std::string &why) { close(key, why); };
	subscriptions_.erase(key);
	if (subscriptions_.size() >= size_t(server_.options.max_subscriptions))
		return closed("rate-limited: too many subscriptions on this connection");
	if (message.filters.size() > kMaxFilters)
		return closed("invalid: more than " + std::to_string(kMaxFilters) + " filters");
	std::string why;
	const ApiRoute *route = admit(count ? "count_req" : "req", why);
	if (!route)
		return closed(why);
	const bool single = message.filters.size() == 1;
	std::string filters = "[";
	std::optional<int64_t> rows;
	bool nothing = true;
	std::vector<nostr::Filter> parsed;
	for (std::string_view json : message.filters) {
		nostr::Filter &filter = parsed.emplace_back();
		std::string fault = nostr::parse_filter(json, filter);
		if (!fault.empty())
			return closed(fault);
		const int64_t limit = std::min(filter.limit.value_or(kDefaultLimit), kMaxLimit);
		if (!count && limit == 0)
			continue;
		nothing = false;
		if (single)
			rows = limit;
		std::string condition = nostr::condition_json(filter);
		condition.pop_back();
		condition += (condition.size() > 1 ? "," : "") + std::string("\"limit\":") +
					 std::to_string(limit + (single ? 1 : 0)) + "}";
		filters += (filters.size() > 1 ? "," : "") + condition;
	}
	if (!count) {
		size_t values = live_values();
		for (const nostr::Filter &filter : parsed)
			values += filter.search ? 0 : value_count(filter);
		if (values > kMaxValues)
			return closed("invalid: too many values: the filters of a connection may have " +
						  std::to_string(kMaxValues));
	}
	auto subscription = std::make_unique<Subscription>(*this, id, std::move(parsed), count);
	/* Some clients send such a REQ only to learn if the connection is alive. */
	if (nothing) {
		subscription->end_of_stored("");
		subscriptions_[key] = std::move(subscription);
		return;
	}
	if (!subscription->begin(*route, filters + "]", count ? std::nullopt : rows))
		return closed("error: the archive is not ready");
	subscriptions_[key] = std::move(subscription);
}

const ApiRoute *
NostrSession::admit(std::string_view name, std::string &why)
{
	const ApiRoute *route = server_.routes.named(name);
	if (!route) {
		why = "error: the archive is not ready";
		return nullptr;
	}
	if (auto problem = server_.admission.check_scope(visitor_, *route)) {
		why = "restricted: " + problem->detail;
		return nullptr;
	}
	if (auto problem = server_.admission.take_request(visitor_)) {
		why = (problem->status == 429 ? "rate-limited: " : "restricted: ") + problem->detail;
		return nullptr;
	}
	return route;
}

void
NostrSession::reconcile(const nostr::ClientMessage &message)
{
	end_failed();
	const std::string id = message.subscription;
	Reconciliation::Ways ways{
		.send =
			[this, id](const std::string &hex) {
				out_.send_message(quoted("NEG-MSG", id) + ",\"" + hex + "\"]");
			},
		.fail =
			[this, id](const std::string &why, const std::string &more) {
				out_.send_message(quoted("NEG-ERR", id) + "," + json_string(why) + more + "]");
				failed_.push_back(id);
			}};
	if (message.type == nostr::ClientMessageType::NegMsg) {
		auto found = reconciliations_.find(id);
		std::string why;
		if (found == reconciliations_.end())
			ways.fail("closed: unknown subscription handle", "");
		else if (!admit("records", why))
			ways.fail(why, "");
		else
			found->second->answer(message.payload);
		return;
	}
	reconciliations_.erase(id);
	nostr::Filter filter;
	std::string fault = nostr::parse_filter(message.filters.front(), filter);
	if (!fault.empty())
		return ways.fail(fault, "");
	if (reconciliations_.size() >= kMaxReconciliations)
		return ways.fail("blocked: too many reconciliations on this connection", "");
	std::string why;
	const ApiRoute *route = admit("records", why);
	if (!route)
		return ways.fail(why, "");
	auto reconciliation = std::make_unique<Reconciliation>(server_, visitor_, ways);
	if (!reconciliation->begin(*route, filter, message.payload))
		return ways.fail("error: the archive is not ready", "");
	reconciliations_[id] = std::move(reconciliation);
}

/* Destroys failed reconciliations, which cannot destroy themselves during their own calls. */
void
NostrSession::end_failed()
{
	for (const std::string &id : std::exchange(failed_, {}))
		reconciliations_.erase(id);
}

void
NostrSession::tick()
{
	end_failed();
	std::erase_if(reconciliations_, [&](auto &item) {
		const bool idle = item.second->is_idle();
		if (idle)
			out_.send_message(quoted("NEG-ERR", item.first) + ",\"closed: nothing was asked\"]");
		return idle;
	});
}

/* Answers a malformed message, by the id if it could be read. */
void
NostrSession::refuse(const nostr::ClientMessage &message)
{
	using nostr::ClientMessageType;
	const std::string &id = message.subscription;
	if (message.type == ClientMessageType::Req || message.type == ClientMessageType::Count) {
		const std::string why = "invalid: it is not [\"REQ\" or \"COUNT\", id of 1 to 64 "
								"characters, filter, …]";
		return id.empty() ? notice(why)
						  : close({message.type == ClientMessageType::Count, id}, why);
	}
	const std::string why = "invalid: it is not [\"NEG-OPEN\", id of 1 to 64 characters, filter, "
							"hex] or [\"NEG-MSG\", id, hex]";
	if (id.empty())
		return notice(why);
	reconciliations_.erase(id);
	out_.send_message(quoted("NEG-ERR", id) + "," + json_string(why) + "]");
}

size_t
NostrSession::live_values() const
{
	size_t sum = 0;
	for (const auto &[key, subscription] : subscriptions_)
		sum += subscription->live_values();
	return sum;
}

void
NostrSession::close(const Key &key, const std::string &why)
{
	out_.send_message(quoted("CLOSED", key.second) + "," + json_string(why) + "]");
	subscriptions_.erase(key);
}

void
NostrSession::on_sent()
{
	for (auto &[key, subscription] : subscriptions_)
		subscription->give_credit();
}

std::string
relay_information(const ServeOptions &options)
{
	std::string nips;
	for (int nip : kNips)
		nips += (nips.empty() ? "" : ",") + std::to_string(nip);
	auto member = [](const char *name, const std::string &value) {
		return value.empty() ? "" : "\"" + std::string(name) + "\":" + json_string(value) + ",";
	};
	return "{" + member("name", options.name) + member("description", options.description) +
		   member("contact", options.contact) +
		   "\"software\":\"bigbrotr\",\"version\":" + json_string(options.version) +
		   ",\"supported_nips\":[" + nips +
		   "],\"limitation\":{\"max_message_length\":" + std::to_string(NostrSession::kMaxMessage) +
		   ",\"max_subscriptions\":" + std::to_string(options.max_subscriptions) +
		   ",\"max_filters\":" + std::to_string(NostrSession::kMaxFilters) +
		   ",\"max_limit\":" + std::to_string(NostrSession::kMaxLimit) +
		   ",\"default_limit\":" + std::to_string(NostrSession::kDefaultLimit) +
		   ",\"max_subid_length\":64,\"auth_required\":false,\"payment_required\":false,"
		   "\"restricted_writes\":true}}";
}

} // namespace net
