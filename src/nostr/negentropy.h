/*
 * Negentropy protocol V1 (NIP-77): two sides, each with a set of records, find out which ids only
 * one of them has. The client asks and learns the difference; the server answers, and keeps nothing
 * from one message to the next. Sans I/O; messages are bytes, not hexadecimal.
 *
 * A message says something about each range of records in turn, from the first one upwards: nothing
 * (skip), a fingerprint of them, or all their ids. The server answers to a fingerprint that differs
 * with fingerprints of its parts, or with the ids when they are few. The client chooses parts that
 * make the whole conversation short: its messages are not those of the reference implementation,
 * but for the first one.
 *
 * Messages are hostile: whatever they say, the work is bounded by their length and ours by the
 * frame limit. A server that lies can make the client believe that the sets are equal.
 */
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "negentropy_records.h"

namespace nostr::negentropy {

/* Why a message is refused. */
enum class Fault : uint8_t
{
	None,
	Empty,
	NoVersion,     // the first byte names no version of the protocol
	OtherVersion,  // the server does not speak version 1
	CutShort,      // the message ends inside a range
	TooLarge,      // a number of more than 64 bits
	LongPrefix,    // more than 32 bytes of an id
	UnknownMode,   // neither skip nor fingerprint nor ids
	Unordered,     // a bound below the one before
	TooMuchDiffers // the server alone has more ids than the client wants to hear of
};

/* A sentence for humans, without its full stop. */
const char *fault_text(Fault fault);

/* Ids that only one side has, sorted, each once. */
struct Difference
{
	std::vector<Id> have; // only the client
	std::vector<Id> need; // only the server
};

/*
 * first() opens the conversation; then each message of the server goes to read(), until there is
 * nothing left to be said. The set must outlive the client and stay as it is.
 *
 * `frame_limit`: bytes of a message of ours, at least kLeastFrame; 0: no limit. What does not fit
 * follows later. `most`: ids that the server alone may have.
 */
class Client
{
  public:
	static constexpr size_t kLeastFrame = 4096;

	Client(const RecordSet &own, size_t frame_limit, size_t most)
		: own_(own), frame_limit_(frame_limit), most_(most)
	{
	}

	std::string first() const;
	/* `reply` is what to send then; empty: the difference is known. */
	Fault read(std::string_view message, std::string &reply);
	/* Once, at the end. */
	Difference take_difference();

  private:
	const RecordSet &own_;
	const size_t frame_limit_, most_;
	Difference difference_; // unsorted, with repeats: a frame limit lets ids be told twice
};

/* Fills `reply` with what a server that has these records sends back. */
Fault answer(const RecordSet &own, size_t frame_limit, std::string_view message,
			 std::string &reply);

} // namespace nostr::negentropy
