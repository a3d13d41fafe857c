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

/* Whose events are sent, and to which relay. */
struct Recipient
{
	const nostr::PublicKey &author;
	const std::string &url; // normalised
};

/* Each inside a transaction. */

/* Who the monitor is. `targets`: all relays that are published to. */
std::vector<Draft> own_drafts(const Recipient &to, const std::vector<std::string> &targets,
							  int64_t now);
/* What it does and found, `most` at most. Reads the state of all relays. */
std::vector<Draft> found_drafts(const Recipient &to, size_t most, int64_t now);
