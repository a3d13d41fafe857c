#include <gtest/gtest.h>

#include "messages.h"
#include "wire/fetch.h"

using namespace wire;

namespace {

using Any = std::variant<FetchSettings, Fetch, Fetched>;

/* Why a message is refused; "": it is not. */
template <class T>
std::string
fault_of(const T &message)
{
	std::string fault;
	const std::string bytes = encode(message);
	const bool good = decode<Any>(frame_of(bytes), fault).has_value();
	EXPECT_EQ(good, fault.empty());
	return fault;
}

const Fetch kFetch{.attempt = 7,
				   .url = "https://a.com/",
				   .path = "$[*]",
				   .etag = "\"1\"",
				   .max_bytes = 1000,
				   .max_names = 10};
const Fetched kRead{.attempt = 7,
					.outcome = FetchOutcome::Read,
					.http_status = 200,
					.etag = "\"1\"",
					.names = {{"wss://a.com"}, {"caf\xc3\xa9"}},
					.other_values = 3,
					.cut = true};

template <class T, class Change>
std::string
fault_after(T message, Change change)
{
	change(message);
	return fault_of(message);
}

} // namespace

TEST(WireFetch, RoundTrip)
{
	std::string fault;
	const std::string task = encode(kFetch);
	const auto fetch = std::get<Fetch>(decode<Any>(frame_of(task), fault).value());
	EXPECT_EQ(fetch.attempt, 7u);
	EXPECT_EQ(fetch.url, "https://a.com/");
	EXPECT_EQ(fetch.path, "$[*]");
	EXPECT_EQ(fetch.etag, "\"1\"");
	EXPECT_EQ(fetch.max_bytes, 1000);
	EXPECT_EQ(fetch.max_names, 10);
	const std::string result = encode(kRead);
	const auto read = std::get<Fetched>(decode<Any>(frame_of(result), fault).value());
	EXPECT_EQ(read.http_status, 200);
	ASSERT_EQ(read.names.size(), 2u);
	EXPECT_EQ(read.names[1].text, "caf\xc3\xa9");
	EXPECT_EQ(read.other_values, 3u);
	EXPECT_TRUE(read.cut);
	EXPECT_EQ(role_of("fetch"), Role::Fetch);
	EXPECT_EQ(role_name(Role::Fetch), "fetch");
}

TEST(WireFetch, WhatIsRefused)
{
	EXPECT_EQ(fault_of(kFetch), "");
	EXPECT_EQ(fault_of(kRead), "");
	EXPECT_NE(fault_after(kFetch, [](Fetch &m) { m.max_bytes = int(kMaxListBytes) + 1; }), "");
	EXPECT_NE(fault_after(kFetch, [](Fetch &m) { m.max_names = 0; }), "");
	const std::string long_name(kMaxListName + 1, 'x');
	for (std::string_view name :
		 {std::string_view(long_name), std::string_view("\xff"), std::string_view("a\0b", 3)})
		EXPECT_NE(fault_after(kRead, [&](Fetched &m) { m.names[0].text = name; }), "");
	const char *contradiction = "outcome and names of a list contradict each other";
	EXPECT_EQ(fault_after(kRead, [](Fetched &m) { m.outcome = FetchOutcome::Unchanged; }),
			  contradiction);
	EXPECT_EQ(fault_after(kRead, [](Fetched &m) { m.reason = "too_large"; }), contradiction);
	EXPECT_EQ(fault_of(Fetched{.outcome = FetchOutcome::Failed}), contradiction);
	EXPECT_EQ(fault_of(Fetched{.outcome = FetchOutcome::Failed, .reason = "x"}), "");
}
