/*
 * What may be published: about the monitor itself and about relays that it reached. Reads the
 * database; the caller signs and sends.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nostr/event.h"

/* An event that is due at a relay. */
struct Draft
{
	nostr::Event event;  // not signed
	std::string subject; // normalised URL of the relay that it is about; empty: the monitor itself
	std::string hash;    // of what the event is made of; a change of round trips is none
};

/* Each inside a transaction. */

/* Who the monitor is, due at `target`. `targets`: all relays that are published to. */
std::vector<Draft> own_drafts(const std::string &target, const std::vector<std::string> &targets,
							  int64_t now);
/* What it does and found, due at `target`, `most` at most. Reads the state of all relays. */
std::vector<Draft> found_drafts(const std::string &target, size_t most, int64_t now);
