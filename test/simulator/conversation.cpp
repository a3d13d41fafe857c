#include "conversation.h"

#include <algorithm>
#include <ctime>

#include <simdjson.h>

#include "ws_server.h"

namespace simulator {
namespace {

std::string
quoted(std::string_view text)
{
	std::string out;
	nostr::append_json_string(text, out);
	return out;
}

std::string
http_date(int64_t seconds)
{
	char text[64];
	time_t time = seconds;
	tm parts;
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&time, &parts));
	return text;
}

/* The event with another number after "created_at": its id is wrong then. */
std::string
redated(const Stored &event, int64_t created_at)
{
	std::string body = event.body;
	std::string field = "\"created_at\":";
	size_t at = body.find(field) + field.size();
	return body.replace(at, body.find_first_not_of("0123456789", at) - at,
						std::to_string(created_at));
}

std::string
wrongly_signed(const Stored &event)
{
	std::string body = event.body;
	char &digit = body[body.find("\"sig\":\"") + 20];
	digit = digit == '0' ? '1' : '0';
	return body;
}

} // namespace

void
Conversation::say(std::string text, uint32_t wait_ms, bool may_drop)
{
	out.push_back({.bytes = ws::frame(ws::Text, text), .wait_ms = wait_ms, .may_drop = may_drop});
}

void
Conversation::say(const char *verb, std::string_view subscription, std::string_view text)
{
	std::string message = "[\"" + std::string(verb) + "\"," + quoted(subscription);
	if (!text.empty())
		message += "," + quoted(text);
	say(message + "]");
}

/* The trouble of this answer, if it has one. */
Conversation::Breaks
Conversation::pick_trouble(std::initializer_list<Position> positions)
{
	const std::vector<Trouble> &troubles = relay_.behaviour().troubles;
	for (size_t i = 0; i < troubles.size(); i++) {
		const Trouble &one = troubles[i];
		if (std::find(positions.begin(), positions.end(), one.position) == positions.end() ||
			relay_.answers < one.after || relay_.troubled[i] >= one.most ||
			!relay_.random().chance(one.chance))
			continue;
		relay_.troubled[i]++;
		return {&one};
	}
	return {};
}

void
Conversation::fail(const Breaks &breaks, bool in_frame)
{
	out.push_back(
		{.bytes = in_frame ? ws::frame(ws::Text, "[\"EVENT\",\"broken").substr(0, 9) : "",
		 .act = breaks.trouble->fault == Fault::Stall ? Item::Act::Stall : Item::Act::Drop});
}

void
Conversation::on_handshake(std::string_view key, int64_t now_ms)
{
	const Behaviour &b = relay_.behaviour();
	opened_ms_ = now_ms;
	if (Breaks breaks = pick_trouble({Position::Connect}); breaks.trouble)
		return fail(breaks);
	std::string date = b.no_date ? "" : "Date: " + http_date(now_ms / 1000 + b.date_off) + "\r\n";
	if (key.empty()) {
		std::string nips = "1, 11";
		nips += b.count == Count::None ? "" : ", 45";
		nips += b.negentropy == Negentropy::None ? "" : ", 77";
		std::string document = "{\"name\":\"simulated\",\"supported_nips\":[" + nips + "]}";
		out.push_back({.bytes = "HTTP/1.1 200 OK\r\nContent-Type: application/nostr+json\r\n" +
								date + "Content-Length: " + std::to_string(document.size()) +
								"\r\n\r\n" + document});
		out.push_back({.act = Item::Act::Drop});
		return;
	}
	if (b.complains_by_429 && relay_.random().chance(0.4)) {
		out.push_back({.bytes = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n" + date +
								"Content-Length: 0\r\n\r\n"});
		out.push_back({.act = Item::Act::Drop});
		return;
	}
	node_ = relay_.next_node();
	std::string response = ws::accept_response(key);
	response.insert(response.size() - 2, date);
	out.push_back({.bytes = std::move(response)});
	if ((b.private_after_auth || b.auth_required) && b.auth_after == 0)
		say("AUTH", "challenge", "");
	if (Breaks breaks = pick_trouble({Position::Open}); breaks.trouble)
		fail(breaks);
}

/* Are there more requests in this second than the relay allows? */
bool
Conversation::too_fast(std::string_view subscription, int64_t now_ms)
{
	const Behaviour &b = relay_.behaviour();
	if (b.requests_per_second == 0)
		return false;
	if (now_ms / 1000 != second_)
		asked_in_second_ = 0;
	second_ = now_ms / 1000;
	if (asked_in_second_++ < b.requests_per_second)
		return false;
	if (b.complains_by_nothing)
		say("EOSE", subscription, "");
	else if (b.complains_by_closed)
		say("CLOSED", subscription, "rate-limited: slow down");
	else
		say("NOTICE", "rate limited", "");
	return true;
}

void
Conversation::on_text(std::string_view text, int64_t now_ms)
{
	const Behaviour &b = relay_.behaviour();
	if (now_ms - opened_ms_ < b.deaf_ms)
		return;
	simdjson::dom::parser parser;
	simdjson::dom::element message;
	simdjson::dom::array items;
	std::string_view verb, subscription;
	if (parser.parse(text.data(), text.size()).get(message) || message.get(items) ||
		items.at(0).get(verb) || items.at(1).get(subscription))
		return say("NOTICE", "error: bad message", "");
	if (verb == "CLOSE") {
		if (auto found = subscriptions_.find(subscription); found != subscriptions_.end())
			subscriptions_.erase(found);
		return;
	}
	if (verb == "NEG-CLOSE") {
		if (auto found = reconciling_.find(subscription); found != reconciling_.end())
			reconciling_.erase(found);
		return;
	}
	if (verb == "NEG-OPEN" || verb == "NEG-MSG") {
		std::string_view hex;
		nostr::Filter filter;
		if (items.at(verb == "NEG-OPEN" ? 3 : 2).get(hex) ||
			(verb == "NEG-OPEN" &&
			 !nostr::parse_filter(simdjson::minify(items.at(2).value()), filter).empty()))
			return say("NOTICE", "ERROR: bad msg", "");
		return reconcile(verb, subscription, filter, hex);
	}
	if (verb != "REQ" && (verb != "COUNT" || b.count == Count::None))
		return say("NOTICE", "ERROR: bad msg: unknown cmd", "");
	std::vector<nostr::Filter> filters;
	for (size_t i = 2; i < items.size(); i++) {
		nostr::Filter filter;
		std::string fault = nostr::parse_filter(simdjson::minify(items.at(i).value()), filter);
		if (!fault.empty())
			return say("CLOSED", subscription, fault);
		if (b.hides_private && filter.kinds && !filter.kinds->empty() &&
			std::all_of(filter.kinds->begin(), filter.kinds->end(), is_private))
			return say("CLOSED", subscription, "auth-required: these kinds are private");
		filters.push_back(std::move(filter));
	}
	if (too_fast(subscription, now_ms))
		return;
	if (b.auth_required)
		return say("CLOSED", subscription, "auth-required: strangers read nothing here");
	if (verb == "COUNT")
		return say("[\"COUNT\"," + quoted(subscription) +
				   ",{\"count\":" + std::to_string(relay_.count(filters, node_)) + "}]");
	request(subscription, std::move(filters));
	if (b.private_after_auth && b.auth_after > 0 && ++requests_ == b.auth_after)
		say("AUTH", "challenge", "");
}

void
Conversation::event(std::string_view subscription, uint32_t number)
{
	const Behaviour &b = relay_.behaviour();
	Random &random = relay_.random();
	const Stored &event = pool_[number];
	std::string begin = "[\"EVENT\"," + quoted(subscription) + ",";
	if (b.forged_id > 0 && random.chance(b.forged_id))
		say(begin + redated(event, event.created_at - 5000000) + "]");
	if (b.forged_only || (b.forged_sig > 0 && random.chance(b.forged_sig)))
		say(begin + wrongly_signed(event) + "]");
	if (b.forged_only)
		return;
	if (b.wrong_subscription > 0 && random.chance(b.wrong_subscription))
		begin = "[\"EVENT\",\"other\",";
	if (b.no_subscription > 0 && random.chance(b.no_subscription))
		begin = "[\"EVENT\",";
	bool rubbish = b.rubbish > 0 && random.chance(b.rubbish);
	say(begin + event.body + (rubbish ? ",," : "]"), 0, b.dropped_past != SIZE_MAX);
}

void
Conversation::end_of_stored(std::string_view subscription, const Answer &answer)
{
	const char *hint = "";
	switch (relay_.behaviour().hints) {
	case Hints::None:
		break;
	case Hints::Right:
		hint = answer.more || answer.capped ? "more" : "finish";
		break;
	case Hints::FinishAlways:
		hint = "finish";
		break;
	case Hints::MoreAlways:
		hint = "more";
		break;
	case Hints::MoreOnly:
		hint = answer.more || answer.capped ? "more" : "";
		break;
	}
	say("[\"EOSE\"," + quoted(subscription) +
		(*hint ? ",[\"" + std::string(hint) + "\"]" : std::string()) + "]");
}

/* Refused events whose times fall as those of a page do, far below where the relay has got. */
void
Conversation::made_up_times(std::string_view subscription, const Answer &answer)
{
	for (size_t i = 0; i < answer.events.size(); i++) {
		const Stored &event = pool_[answer.events[i]];
		int64_t at = std::max<int64_t>(0, event.created_at - int64_t(i + 1) * 3 * 86400);
		std::string body = redated(event, at);
		if (i % 2)
			body = "{\"created_at\":" + std::to_string(at) + "," + event.body.substr(1);
		say("[\"EVENT\"," + quoted(subscription) + "," + body + "]");
	}
	say("EOSE", subscription, "");
}

void
Conversation::request(std::string_view subscription, std::vector<nostr::Filter> filters)
{
	const Behaviour &b = relay_.behaviour();
	Breaks breaks = pick_trouble(
		{Position::Request, Position::Events, Position::Frame, Position::Eose, Position::End});
	relay_.answers++;
	if (breaks.at(Position::Request)) {
		const Trouble &trouble = *breaks.trouble;
		switch (trouble.fault) {
		case Fault::NoticeEose:
			say("NOTICE", "error: failed to query the database", "");
			return say("EOSE", subscription, "");
		case Fault::EmptyEose:
			return say("EOSE", subscription, "");
		case Fault::Closed:
			return say("CLOSED", subscription, trouble.text);
		case Fault::Drop:
		case Fault::Stall:
			return fail(breaks);
		case Fault::Slow:
			out.push_back({.bytes = "", .wait_ms = trouble.ms});
			break;
		case Fault::NoEose:
			break;
		}
	}
	Answer answer = relay_.answer(filters, node_);
	subscriptions_[std::string(subscription)] = std::move(filters);
	for (size_t i = 0; i < b.flood; i++)
		if (i % 2)
			say("NOTICE", "welcome", "");
		else
			event("nobody", pool_.pinned);
	if (b.forged_times && relay_.answers == 3)
		return made_up_times(subscription, answer);
	const bool early = b.early_eose > 0 && relay_.random().chance(b.early_eose);
	const size_t half = b.half_early_eose ? answer.events.size() / 2 : 0;
	const size_t broken = breaks.at(Position::Events) || breaks.at(Position::Frame)
							  ? relay_.random().below(answer.events.size() + 1)
							  : SIZE_MAX;
	for (size_t i = 0; i < answer.events.size(); i++) {
		if (i == broken)
			return fail(breaks, breaks.at(Position::Frame));
		if (early && i == half) {
			end_of_stored(subscription, answer);
			out.push_back({.bytes = "", .wait_ms = 30});
		}
		event(subscription, answer.events[i]);
	}
	if (broken != SIZE_MAX || breaks.at(Position::Eose))
		return fail(breaks);
	if (breaks.trouble && breaks.trouble->fault == Fault::NoEose)
		return;
	if (!early || answer.events.empty())
		end_of_stored(subscription, answer);
	if (breaks.at(Position::End))
		fail(breaks);
}

void
Conversation::publish(uint32_t number)
{
	const Stored &stored = pool_[number];
	const nostr::Indexed fields{
		stored.id, pool_.author(stored.author), stored.created_at, stored.kind, {}};
	for (const auto &[subscription, filters] : subscriptions_)
		for (const nostr::Filter &filter : filters)
			if (nostr::matches(filter, fields)) {
				event(subscription, number);
				break;
			}
}

} // namespace simulator
