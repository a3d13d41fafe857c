/* Runs one hostile relay against the net process and checks how the connection ends. */
#pragma once

#include <gtest/gtest.h>

#include "scripted_relay.h"
#include "worker.h"

namespace test {

/* Runs `script` against one task and expects the session to end with `reason`. */
inline void
expect_cut(ScriptedRelay::Script script, const char *reason, wire::ArchiveSettings settings,
		   ScriptedRelay::Options options = {}, const char *detail = nullptr)
{
	ScriptedRelay relay(
		[&](Peer &peer) {
			peer.receive();
			script(peer);
			peer.linger();
		},
		options);
	Worker worker(settings);
	worker.task(3, relay.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(3)) << reason;
	EXPECT_EQ(worker.ended(3)->reason, reason);
	if (detail) {
		EXPECT_EQ(worker.ended(3)->detail, detail);
	}
	EXPECT_EQ((worker.refusals[{3, reason}]), 1U);
	EXPECT_TRUE(worker.claims.empty());
	/* The process is well: another relay is archived. */
	auto events = make_events(5, 1000);
	ScriptedRelay good(serve_events(events, 10));
	worker.task(4, good.url(), {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(4));
	EXPECT_EQ(worker.ended(4)->reason, "");
	EXPECT_EQ(worker.events.size(), 5U);
	EXPECT_EQ(worker.stop(), 0);
}

} // namespace test
