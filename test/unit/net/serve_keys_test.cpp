/* Who may ask what of the API, and how much: keys, signed requests, scopes, budgets. */
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <jansson.h>
#include <sys/mman.h>

#include "api_client.h"
#include "net/serve/accounts.h"
#include "net/serve/text.h"
#include "nostr/base64.h"
#include "nostr/keys.h"

namespace {

using namespace test;

/* A key as bigbrotr.create_api_key() makes it. */
std::string
key_of(char digit)
{
	std::string key = "bb_0123456" + std::string(1, digit) + "_" + std::string(64, digit);
	return key + net::sha256_hex(key).substr(0, 6);
}

std::array<uint8_t, 32>
digest_of(std::string_view key)
{
	std::array<uint8_t, 32> digest;
	nostr::from_hex(net::sha256_hex(key), digest.data(), digest.size());
	return digest;
}

const nostr::Signer &
signer()
{
	static const nostr::Signer signer(nostr::SecretKey{1, 2, 3});
	return signer;
}

constexpr char kMask = 0x55;

/* How often the memory of this process holds a text, which is given with each byte masked: it must
 * not find its own. */
size_t
found_in_memory(const std::string &masked)
{
	constexpr size_t size = 1 << 20;
	void *mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *piece = static_cast<char *>(mapped);
	const auto own = reinterpret_cast<uintptr_t>(piece);
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	std::ifstream maps("/proc/self/maps");
	size_t count = 0;
	for (std::string line; std::getline(maps, line);) {
		uintptr_t begin = 0, end = 0;
		char rights[5] = "";
		if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3 ||
			std::string_view(rights).substr(0, 2) != "rw" ||
			end - begin > uintptr_t{1} << 30) // of a sanitizer
			continue;
		for (uintptr_t at = begin; at < end; at += size - masked.size()) {
			if (at < own + size && own < at + size && at >= own)
				continue;
			const ssize_t got = pread(memory, piece, std::min<size_t>(size, end - at), off_t(at));
			const char first = static_cast<char>(masked[0] ^ kMask);
			const char *last = piece + std::max<ssize_t>(got - ssize_t(masked.size()) + 1, 0);
			for (const char *p = piece; p < last; p++) {
				p = static_cast<const char *>(memchr(p, first, size_t(last - p)));
				if (!p)
					break;
				count += std::equal(masked.begin(), masked.end(), p,
									[](char one, char other) { return one == (other ^ kMask); });
			}
			explicit_bzero(piece, size);
		}
	}
	close(memory);
	munmap(mapped, size);
	return count;
}

/* Until it is there, or gone. */
bool
until_found(const std::string &masked, bool there)
{
	for (int i = 0; i < 500; i++) {
		if ((found_in_memory(masked) > 0) == there)
			return true;
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	}
	return false;
}

/* Keys 1 (good), 2 (revoked), 3 (has expired), 4 (for another scope), 5 (two requests). */
void
give_keys(ApiServer &server, bool revoke_first = false)
{
	static const std::array<uint8_t, 32> none{};
	std::vector<std::array<uint8_t, 32>> digests;
	for (char digit = '1'; digit <= '5'; digit++)
		digests.push_back(digest_of(key_of(digit)));
	wire::ApiKeys message;
	for (uint32_t i = 0; i < digests.size(); i++)
		message.keys.push_back({.number = i + 1,
								.digest = &digests[i],
								.pubkey = &none,
								.scopes = i == 3 ? "other" : "open,one"});
	message.keys[0].has_pubkey = true;
	message.keys[0].pubkey = &signer().pubkey();
	message.keys[0].revoked = revoke_first;
	message.keys[0].budget = {.requests_per_minute = 100, .cost_limit = 77};
	message.keys[1].revoked = true;
	message.keys[2].expires_at = server.clock.unix_seconds();
	message.keys[4].budget.requests_per_minute = 2;
	server.send(message);
}

void
echo(ApiServer &server, const ApiServer::Call &call)
{
	server.rows(call.number, {"[" + std::to_string(call.cost_limit) + "]"});
	server.end(call.number, "", "", 5);
}

std::string
bearer(const std::string &key)
{
	return "Authorization: Bearer " + key + "\r\n";
}

std::string
code_of(const std::string &answer)
{
	json_t *body = json_loads(body_of(answer).c_str(), 0, nullptr);
	const char *code = json_string_value(json_object_get(body, "code"));
	std::string out = code ? code : "";
	json_decref(body);
	return out;
}

struct Signed
{
	int32_t kind = 27235;
	std::string url = "https://api.example.com/one/1?flag=true", method = "GET", payload = "";
	int64_t age = 0;
	bool forged = false;
};

std::string
signature(const ApiServer &server, const Signed &what)
{
	nostr::Event event;
	event.kind = what.kind;
	event.created_at = server.clock.unix_seconds() - what.age;
	event.tags = "[[\"u\",\"" + what.url + "\"],[\"method\",\"" + what.method + "\"]" +
				 (what.payload.empty() ? "" : ",[\"payload\",\"" + what.payload + "\"]") + "]";
	signer().sign(event);
	if (what.forged)
		event.sig[0] ^= 1;
	return "Authorization: Nostr " + nostr::base64(nostr::to_json(event)) + "\r\n";
}

} // namespace

TEST(ServeAccounts, FillUpWithinAMinute)
{
	test::TestClock clock;
	net::Accounts accounts(clock);
	const wire::VisitorBudget budget{.requests_per_minute = 60};
	net::Visitor one{.key = 0, .address = *net::parse_address("9.9.9.9")};
	net::Visitor other{.key = 0, .address = *net::parse_address("9.9.9.8")};
	for (int i = 0; i < 60; i++)
		EXPECT_FALSE(accounts.take(one, budget).used_up);
	auto verdict = accounts.take(one, budget);
	EXPECT_STREQ(verdict.used_up, "requests");
	EXPECT_EQ(verdict.seconds, 1);
	EXPECT_FALSE(accounts.take(other, budget).used_up);
	other.key = 7; // is known by its key, wherever it is
	for (int i = 0; i < 60; i++)
		EXPECT_FALSE(accounts.take(other, budget).used_up);
	other.address = one.address;
	EXPECT_TRUE(accounts.take(other, budget).used_up);
	clock.advance(std::chrono::seconds(2));
	EXPECT_FALSE(accounts.take(one, budget).used_up);
	clock.advance(std::chrono::seconds(60));
	EXPECT_FALSE(accounts.take(one, budget).used_up);
	EXPECT_EQ(accounts.headers(one, budget)[1].second, "\"requests\";r=59;t=1");
}

TEST(ServeAccounts, KeepNothingWithoutALimit)
{
	test::TestClock clock;
	net::Accounts accounts(clock);
	const net::Visitor one{.key = 0, .address = *net::parse_address("9.9.9.9")};
	for (int i = 0; i < 1000; i++) {
		EXPECT_FALSE(accounts.take(one, {}).used_up);
		accounts.charge(one, {}, 1 << 30, 1 << 30);
	}
	EXPECT_TRUE(accounts.headers(one, {}).empty());
	EXPECT_EQ(accounts.size(), 0U);
	/* What was taken while there was no limit is no debt, and the first minute is whole. */
	const wire::VisitorBudget requests{.requests_per_minute = 2};
	EXPECT_FALSE(accounts.take(one, requests).used_up);
	accounts.charge(one, requests, 1 << 30, 1 << 30);
	EXPECT_EQ(accounts.headers(one, requests)[1].second, "\"requests\";r=1;t=30");
	const wire::VisitorBudget all{
		.requests_per_minute = 2, .kilobytes_per_minute = 1, .cost_per_minute = 1};
	EXPECT_FALSE(accounts.take(one, all).used_up);
	EXPECT_STREQ(accounts.take(one, all).used_up, "requests");
}

TEST(ServeAccounts, DebtsArePaidFirst)
{
	test::TestClock clock;
	net::Accounts accounts(clock);
	const wire::VisitorBudget budget{.kilobytes_per_minute = 60, .cost_per_minute = 600};
	const net::Visitor one{.key = 1, .address = {}};
	EXPECT_EQ(
		accounts.headers(one, budget)[0].second,
		"\"bytes\";q=61440;w=60;qu=\"content-bytes\", \"cost\";q=600;w=60;qu=\"planner-cost\"");
	accounts.charge(one, budget, 70 << 10, 0);
	auto verdict = accounts.take(one, budget);
	EXPECT_STREQ(verdict.used_up, "bytes");
	EXPECT_EQ(verdict.seconds, 11);
	clock.advance(std::chrono::seconds(11));
	EXPECT_FALSE(accounts.take(one, budget).used_up);
	accounts.charge(one, budget, 0, 1200);
	EXPECT_STREQ(accounts.take(one, budget).used_up, "cost");
	clock.advance(std::chrono::seconds(61));
	EXPECT_FALSE(accounts.take(one, budget).used_up);
}

TEST(ServeKeys, OpenAnAccountOfTheirOwn)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous = {.requests_per_minute = 2, .cost_limit = 33};
	ApiServer server(echo, settings);
	give_keys(server);
	std::string answer = server.get("/one/1", bearer(key_of('1')));
	EXPECT_EQ(status_of(answer), 200);
	EXPECT_EQ(body_of(answer), "[77]"); // the cost that a question with this key may have
	EXPECT_EQ(header_of(answer, "Cache-Control"), "private, no-store");
	EXPECT_NE(header_of(answer, "Vary").find("Authorization"), std::string::npos);
	EXPECT_EQ(header_of(answer, "RateLimit-Policy"), "\"requests\";q=100;w=60");
	EXPECT_EQ(status_of(server.get("/one/1", "X-API-Key: " + key_of('1') + "\r\n")), 200);
	EXPECT_EQ(body_of(server.get("/one/1")), "[33]");
	EXPECT_EQ(status_of(server.get("/one/1")), 200);
	EXPECT_EQ(status_of(server.get("/one/1")), 429);
	EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('1')))), 200);
	auto use = server.until_used(1, 3);
	EXPECT_EQ(use.requests, 3);
	EXPECT_EQ(use.cost, 15);
	EXPECT_GT(use.bytes, 600);
}

TEST(ServeKeys, AreRefusedWithAReason)
{
	ApiServer server(echo);
	give_keys(server);
	auto refused = [&](const std::string &headers, int status, const std::string &code) {
		std::string answer = server.get("/one/1", headers);
		EXPECT_EQ(status_of(answer), status) << code;
		EXPECT_EQ(code_of(answer), code);
		EXPECT_EQ(header_of(answer, "WWW-Authenticate"), status == 401 ? "Bearer, Nostr" : "");
		EXPECT_EQ(header_of(answer, "Cache-Control"), "no-store");
		EXPECT_NE(body_of(answer).find("\"hint\""), std::string::npos) << code;
	};
	refused(bearer(key_of('9')), 401, "unknown_key");
	refused(bearer("x"), 401, "unknown_key");
	refused(bearer(key_of('1').substr(0, 80)), 401, "damaged_key");
	refused(bearer(key_of('1') + "0"), 401, "damaged_key");
	refused(bearer(key_of('2')), 401, "key_revoked");
	refused(bearer(key_of('3')), 401, "key_expired");
	refused(bearer(key_of('4')), 403, "scope_missing");
	refused("Authorization: Basic YTpi\r\n", 401, "bad_authorization");
	refused("Authorization: Bearer\r\n", 401, "bad_authorization");
	refused(bearer(key_of('1')) + bearer(key_of('1')), 401, "bad_authorization");
	refused(bearer(key_of('1')) + "X-API-Key: " + key_of('1') + "\r\n", 401, "bad_authorization");
	/* Neither the query string nor another header holds a key. */
	EXPECT_EQ(code_of(server.get("/one/1?api_key=" + key_of('1'))), "bad_parameter");
	EXPECT_EQ(
		header_of(server.get("/one/1", "Cookie: key=" + key_of('1') + "\r\n"), "Cache-Control"),
		"public, max-age=60");
	/* What is no path of the archive asks for no key. */
	EXPECT_EQ(status_of(server.get("/livez", bearer(key_of('9')))), 200);
	/* Revoked while its holder is there. */
	EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('1')))), 200);
	give_keys(server, true);
	for (int i = 0; i < 1000 && status_of(server.get("/one/1", bearer(key_of('1')))) == 200; i++)
		;
	refused(bearer(key_of('1')), 401, "key_revoked");
}

TEST(ServeKeys, AreForgottenWithTheirRequests)
{
	ApiServer server(echo);
	std::string masked;
	for (size_t i = 0; i < 64; i++)
		masked += static_cast<char>("0123456789abcdef"[(i * i + 3) % 16] ^ kMask);
	net::WipedString key("bb_01234567_");
	for (char c : masked)
		key += static_cast<char>(c ^ kMask);
	key += net::sha256_hex(key).substr(0, 6);
	static const std::array<uint8_t, 32> none{};
	const auto digest = digest_of(key);
	server.send(wire::ApiKeys{
		.keys = {{.number = 1, .digest = &digest, .pubkey = &none, .scopes = "open"}}});

	int fd = server.connect();
	const std::string begin = "GET /one/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-API-Key: ";
	send(fd, begin.data(), begin.size(), MSG_NOSIGNAL);
	send(fd, key.data(), key.size(), MSG_NOSIGNAL);
	key.clear();
	key.shrink_to_fit();
	/* While the request is not whole, it has to be somewhere: so the search works. */
	EXPECT_TRUE(until_found(masked, true));
	send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL);
	char answer[1000] = "";
	EXPECT_GT(recv(fd, answer, sizeof answer - 1, 0), 0);
	EXPECT_EQ(status_of(answer), 200);
	EXPECT_TRUE(until_found(masked, false));
	close(fd);
}

TEST(ServeKeys, CannotBeTriedWithoutEnd)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous.requests_per_minute = 3;
	ApiServer server(echo, settings);
	give_keys(server);
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('9')))), 401);
	std::string answer = server.get("/one/1", bearer(key_of('9')));
	EXPECT_EQ(status_of(answer), 429);
	EXPECT_EQ(code_of(answer), "too_many_requests");
	EXPECT_NE(body_of(answer).find("http-problem-types#quota-exceeded"), std::string::npos);
	EXPECT_NE(body_of(answer).find("\"violated-policies\":[\"requests\"]"), std::string::npos);
	/* It is less by each second that has passed. */
	const int seconds = std::stoi(header_of(answer, "Retry-After"));
	EXPECT_GE(seconds, 15);
	EXPECT_LE(seconds, 20);
	EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('5')))), 200);
	EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('5')))), 200);
	EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('5')))), 429);
}

TEST(ServeKeys, ScopesCanBeClosedToStrangers)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous_scopes = "other, list";
	ApiServer server(echo, settings);
	give_keys(server);
	std::string answer = server.get("/one/1");
	EXPECT_EQ(status_of(answer), 401);
	EXPECT_EQ(code_of(answer), "key_required");
	EXPECT_EQ(status_of(server.get("/list")), 200); // it has no scope
	EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('1')))), 200);
}

TEST(ServeKeys, QuestionsThatAreTooExpensive)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous = {.cost_per_minute = 150, .cost_limit = 100};
	ApiServer server(
		[](ApiServer &api, const ApiServer::Call &call) {
			api.end(call.number, "54001", "the question is too expensive", 900);
		},
		settings);
	std::string answer = server.get("/one/1");
	EXPECT_EQ(status_of(answer), 403);
	EXPECT_NE(body_of(answer).find("\"estimated_cost\":900,\"cost_limit\":100"), std::string::npos);
	Socket socket(server);
	socket.say(R"(["COUNT","c",{}])");
	EXPECT_EQ(socket.hear().substr(0, 45), R"(["CLOSED","c","blocked: the question is too e)");
	/* Both were charged with the limit, which leaves a debt of 50, the budget of 20 seconds. */
	socket.say(R"(["REQ","r",{}])");
	EXPECT_EQ(socket.hear(), R"(["CLOSED","r","rate-limited: This address may ask for a cost of )"
							 R"(150 in a minute."])");
	EXPECT_EQ(code_of(server.get("/one/1")), "too_much_cost");
}

TEST(ServeKeys, WhatRanIsChargedWhole)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous = {.cost_per_minute = 1000, .cost_limit = 100};
	ApiServer server(
		[](ApiServer &api, const ApiServer::Call &call) { api.end(call.number, "", "", 600); },
		settings);
	EXPECT_EQ(status_of(server.get("/one/1")), 404);
	EXPECT_EQ(status_of(server.get("/one/1")), 404);
	EXPECT_EQ(code_of(server.get("/one/1")), "too_much_cost");
}

TEST(ServeKeys, WhatIsCancelledIsCharged)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous = {.cost_per_minute = 1000};
	ApiServer server(
		[](ApiServer &api, const ApiServer::Call &call) {
			if (call.route != 5) // a REQ does not end
				echo(api, call);
		},
		settings);
	server.cancelled_cost = 1200;
	Socket socket(server);
	socket.say(R"(["REQ","r",{}])");
	EXPECT_EQ(status_of(server.get("/one/1")), 200);
	socket.say(R"(["CLOSE","r"])");
	EXPECT_TRUE(server.until_cancelled(1));
	server.get("/livez");
	EXPECT_EQ(code_of(server.get("/one/1")), "too_much_cost");
}

TEST(ServeKeys, CallsUnderWayAreBounded)
{
	auto settings = ApiServer::default_settings();
	settings.max_subscriptions = 1000;
	std::atomic<uint64_t> last = 0;
	ApiServer server(
		[&](ApiServer &api, const ApiServer::Call &call) {
			if (call.route == 5)
				last = call.number; // it does not end
			else
				echo(api, call);
		},
		settings);
	give_keys(server);
	Socket socket(server);
	for (int i = 0; i < 100; i++)
		socket.say("[\"REQ\",\"" + std::to_string(i) + "\",{}]");
	socket.say(R"(["REQ","more",{}])");
	EXPECT_EQ(socket.hear(),
			  R"(["CLOSED","more","rate-limited: This address has 100 requests under )"
			  R"(way, and may have no more."])");
	std::string answer = server.get("/one/1");
	EXPECT_EQ(status_of(answer), 429);
	EXPECT_EQ(code_of(answer), "too_many_calls");
	EXPECT_EQ(status_of(server.get("/one/1", bearer(key_of('1')))), 200); // another visitor
	server.end(last);
	EXPECT_EQ(socket.hear(), R"(["EOSE","99",["finish"]])");
	EXPECT_EQ(status_of(server.get("/one/1")), 200);
	/* A call that was cancelled does not count when the worker has ended it. */
	socket.say(R"(["CLOSE","98"])");
	EXPECT_TRUE(server.until_cancelled(1));
	server.get("/livez");
	EXPECT_EQ(status_of(server.get("/one/1")), 200);
}

TEST(ServeKeys, RequestsAreSigned)
{
	auto settings = ApiServer::default_settings();
	settings.anonymous_scopes = "";
	settings.public_urls = "https://api.example.com/, http://tor.onion";
	ApiServer server(echo, settings);
	give_keys(server);
	const std::string target = "/one/1?flag=true";
	EXPECT_EQ(status_of(server.get(target, signature(server, {}))), 200);
	EXPECT_EQ(
		status_of(server.get(target, signature(server, {.url = "http://tor.onion" + target}))),
		200);
	EXPECT_EQ(status_of(server.get(target, signature(server, {.method = "get", .age = 50}))), 200);
	EXPECT_EQ(status_of(server.get(target, signature(server, {.age = -50}))), 200);
	EXPECT_EQ(server.until_used(1, 4).requests, 4);
	auto refused = [&](const Signed &what, const std::string &reason) {
		std::string answer = server.get(target, signature(server, what));
		EXPECT_EQ(status_of(answer), 401) << reason;
		EXPECT_EQ(code_of(answer), "bad_signature");
		EXPECT_NE(body_of(answer).find(reason), std::string::npos) << body_of(answer);
	};
	refused({.kind = 1}, "27235");
	refused({.age = 61}, "last minute");
	refused({.age = -90}, "last minute");
	refused({.age = INT64_C(1000000000)}, "last minute");
	refused({.url = "https://api.example.com/one/1"}, "tag u");
	refused({.url = "https://api.example.com/one/2?flag=true"}, "tag u");
	refused({.url = "https://localhost" + target}, "tag u");
	refused({.url = "https://api.example.com.evil.com" + target}, "tag u");
	refused({.url = "http://api.example.com" + target}, "tag u");
	refused({.method = "POST"}, "tag method");
	refused({.payload = std::string(64, '0')}, "payload");
	refused({.forged = true}, "signature");
	EXPECT_EQ(code_of(server.get(target, "Authorization: Nostr !!!!\r\n")), "bad_signature");
	EXPECT_EQ(code_of(server.get(target, "Authorization: Nostr e30=\r\n")), "bad_signature");
}
