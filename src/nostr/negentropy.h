/*
 * Negentropy protocol V1 (NIP-77): two sides, each with a set of records, find out which ids only
 * one of them has. The client asks and learns the difference; the server answers and keeps no state
 * between messages. The code does no I/O; messages are bytes, not hexadecimal.
 *
 * A message describes consecutive ranges of records: by nothing (skip), by a fingerprint, or by all
 * ids. If a fingerprint differs, the server answers with fingerprints of parts of the range, or
 * with the ids if they are few. The client chooses parts that make the whole exchange short, so its
 * messages, except the first one, differ from those of the reference implementation.
 *
 * Messages are hostile: the work is bounded by their length and by our frame limit. A server that
 * lies can make the client believe that the sets are equal.
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
	NoVersion,     // the first byte is not a version of the protocol
	OtherVersion,  // the server does not speak version 1
	CutShort,      // the message ends inside a range
	TooLarge,      // a number of more than 64 bits
	LongPrefix,    // more than 32 bytes of an id
	UnknownMode,   // neither skip nor fingerprint nor ids
	Unordered,     // a bound below the previous one
	TooMuchDiffers // more ids than the client allows exist only at the server
};

/* A sentence for humans, without the full stop. */
const char *fault_text(Fault fault);

/* Ids that only one side has, sorted, without duplicates. */
struct Difference
{
	std::vector<Id> have; // ids that only the client has
	std::vector<Id> need; // ids that only the server has
};

/*
 * first() begins the exchange; then each message of the server goes to read(), until the reply is
 * empty. The set must outlive the client and must not change.
 *
 * `frame_limit`: size of our messages in bytes, at least kLeastFrame; 0: no limit. Ranges that do
 * not fit follow in later messages. `most`: largest number of ids that only the server has.
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
	/* `reply`: the next message to send; empty: the difference is known. */
	Fault read(std::string_view message, std::string &reply);
	/* Must be called once, at the end. */
	Difference take_difference();

  private:
	const RecordSet &own_;
	const size_t frame_limit_, most_;
	Difference difference_; // unsorted, with duplicates: with a frame limit, ids may be sent twice
};

/* Fills `reply` with the answer of a server that has these records. */
Fault answer(const RecordSet &own, size_t frame_limit, std::string_view message,
			 std::string &reply);

} // namespace nostr::negentropy
