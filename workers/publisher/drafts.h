/*
 * The events that may be published: about the monitor itself and about relays that it reached. This
 * code reads the database; the caller signs and sends.
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
	std::string subject; // normalised URL of the event's relay; empty: the monitor itself
	std::string hash;    // hash of the published content; changed round trips do not change it
};

/* Who signs the events, and which relay gets them. */
struct Recipient
{
	const nostr::PublicKey &author;
	const std::string &url; // normalised
};

/* Both functions must be called inside a transaction. */

/* Events that describe the monitor. `targets`: all relays that the publisher writes to. */
std::vector<Draft> own_drafts(const Recipient &to, const std::vector<std::string> &targets,
							  int64_t now);
/* Events about the monitor's work and its findings, at most `most`. Reads the state of all
 * relays. */
std::vector<Draft> found_drafts(const Recipient &to, size_t most, int64_t now);
