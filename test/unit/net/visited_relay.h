/* A relay that does everything that a visit asks for, and settings for visits that do not last. */
#pragma once

#include <string>

#include "prober.h"
#include "scripted_relay.h"
#include "web_server.h"
#include "worker.h"

namespace test {

inline const std::string kDocument =
	http_answer(R"({"supported_nips":[77,1,"11",11],"name":"x","limitation":{"max_limit":"5"}})",
				"Content-Type: application/nostr+json\r\nAccess-Control-Allow-Origin: *\r\n");

/* A relay that does everything that is asked. */
inline void
answer_all(Peer &peer)
{
	const std::vector<nostr::Event> events = make_events(1, 1700000000);
	std::string stored;
	peer.text(R"(["AUTH","challenge"])");
	for (;;) {
		const std::string message = peer.receive();
		const std::string id = req_id(message);
		if (message.starts_with("[\"EVENT\"")) {
			stored = message.substr(9, message.size() - 10);
			nostr::Event event;
			nostr::EventParser().parse(stored, event);
			peer.text("[\"OK\",\"" + nostr::to_hex(event.id.data(), event.id.size()) +
					  "\",true,\"\"]");
		} else if (message.starts_with("[\"COUNT\"")) {
			peer.text(R"(["COUNT","probe9",{"count":5}])");
		} else if (message.starts_with("[\"NEG-OPEN\"")) {
			peer.text(R"(["NEG-MSG","probe12","61000002"])");
		} else if (message.find("\"ids\"") != message.npos) {
			peer.text("[\"EVENT\",\"" + id + "\"," + stored + "]");
		} else if (message.find("\"search\"") != message.npos) {
			peer.text(eose_message(id));
		} else if (!id.empty()) {
			peer.text(event_message(id, events[0]));
			peer.text("[\"EOSE\",\"" + id + "\",\"more\"]");
		}
	}
}

constexpr int kPatience = 2000 * 1000; // microseconds

inline wire::ProbeSettings
quick()
{
	wire::ProbeSettings settings = Prober::default_settings();
	settings.dial.connect_timeout_ms = settings.response_timeout_ms = kPatience / 1000;
	return settings;
}

} // namespace test
