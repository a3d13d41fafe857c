#include "negentropy.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "negentropy_ranges.h"

namespace nostr::negentropy {

namespace {

/* Processes one message and writes the answer. */
class Reconciler
{
  public:
	/* Null `difference` means the server's side. */
	Reconciler(const RecordSet &own, size_t frame_limit, Difference *difference)
		: own_(own), out_(frame_limit), difference_(difference)
	{
	}

	std::string run(RangeReader &in)
	{
		while (!in.at_end() && step(in))
			;
		return out_.take();
	}

  private:
	/* Processes one range. False: the frame is full, and its last range covers the rest of our
	 * records. */
	bool step(RangeReader &in)
	{
		const Bound bound = in.bound();
		const uint64_t mode = in.number();
		const size_t lower = next_;
		size_t upper = own_.find(lower, bound), kept = out_.size();
		switch (mode) {
		case Mode::Skip:
			skipped_ = true;
			break;
		case Mode::Fingerprints:
			compare(in.bytes(sizeof(Fingerprint)), lower, upper, bound);
			break;
		case Mode::Ids:
			if (difference_) {
				compare(own_.part(lower, upper), in.ids());
				skipped_ = true;
			} else {
				in.skip_ids();
				upper = write_ids(lower, upper, bound);
				kept = out_.size();
			}
			break;
		default:
			throw Fault::UnknownMode;
		}
		if (out_.exceeds(out_.size())) {
			out_.cut(kept);
			out_.fingerprint(Bound::infinity(), own_.fingerprint(upper, own_.size()));
			return false;
		}
		next_ = upper;
		bound_ = bound;
		return true;
	}

	static std::string_view view(const Fingerprint &fingerprint)
	{
		return {reinterpret_cast<const char *>(fingerprint.data()), fingerprint.size()};
	}

	/* Writes one skip for all ranges skipped before. Nothing is written if no other range
	 * follows. */
	void write_skip()
	{
		if (skipped_)
			out_.skip(bound_);
		skipped_ = false;
	}

	/* Writes the ids of the range, as many as fit into the frame. Returns the index after the last
	 * one. */
	size_t write_ids(size_t lower, size_t upper, const Bound &bound)
	{
		const size_t before = out_.size(); // the reference implementations do not count the skip
		write_skip();
		for (size_t i = lower; i < upper; i++)
			if (out_.exceeds(before + (i - lower) * sizeof(Id))) {
				out_.ids(Bound::at(own_[i]), own_.part(lower, i));
				return i;
			}
		out_.ids(bound, own_.part(lower, upper));
		return upper;
	}

	/* Compares a fingerprint of the server. If the server lacks just one of few records, the client
	 * finds out which one without ids. The last range may be the rest of a cut message; then its
	 * fingerprint does not cover all records of the range. */
	void compare(std::string_view theirs, size_t lower, size_t upper, const Bound &bound)
	{
		const bool equal = theirs == view(own_.fingerprint(lower, upper));
		size_t extra = upper;
		if (!equal && difference_ && upper - lower < kFewRecords && bound != Bound::infinity())
			extra = own_.extra(lower, upper, theirs);
		if (extra < upper)
			difference_->have.push_back(own_[extra].id);
		if (equal || extra < upper) {
			skipped_ = true;
			return;
		}
		write_skip();
		if (difference_)
			out_.ask(own_, lower, upper, bound);
		else
			out_.describe(own_, lower, upper, bound);
	}

	void compare(std::span<const Record> own, const std::vector<Id> &theirs)
	{
		std::vector<Id> ours;
		ours.reserve(own.size());
		for (const Record &record : own)
			ours.push_back(record.id);
		std::sort(ours.begin(), ours.end());
		std::set_difference(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
							std::back_inserter(difference_->have));
		std::set_difference(theirs.begin(), theirs.end(), ours.begin(), ours.end(),
							std::back_inserter(difference_->need));
	}

	const RecordSet &own_;
	RangeWriter out_;
	Difference *const difference_;
	size_t next_ = 0;      // first record of the next range
	Bound bound_;          // end of the previous range
	bool skipped_ = false; // the previous ranges were skipped
};

void
sort_unique(std::vector<Id> &ids)
{
	std::sort(ids.begin(), ids.end());
	ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

/* Whether there are at most `most` ids. If there are more, the ids are sorted and duplicates
 * dropped. */
bool
within(std::vector<Id> &ids, size_t most)
{
	if (ids.size() > most)
		sort_unique(ids);
	return ids.size() <= most;
}

uint8_t
version_of(RangeReader &in)
{
	if (in.at_end())
		throw Fault::Empty;
	auto version = uint8_t(in.bytes(1)[0]);
	if (version < kFirstVersion || version > kLastVersion)
		throw Fault::NoVersion;
	return version;
}

} // namespace

const char *
fault_text(Fault fault)
{
	switch (fault) {
	case Fault::None:
		return "";
	case Fault::Empty:
		return "an empty message";
	case Fault::NoVersion:
		return "no protocol version";
	case Fault::OtherVersion:
		return "another protocol version";
	case Fault::CutShort:
		return "a truncated message";
	case Fault::TooLarge:
		return "a number out of range";
	case Fault::LongPrefix:
		return "a prefix longer than an id";
	case Fault::UnknownMode:
		return "an unknown mode";
	case Fault::Unordered:
		return "ranges out of order";
	case Fault::TooMuchDiffers:
		return "too many ids differ";
	}
	return "";
}

std::string
Client::first() const
{
	RangeWriter out(0);
	out.describe(own_, 0, own_.size(), Bound::infinity());
	return out.take();
}

Fault
Client::read(std::string_view message, std::string &reply)
{
	reply.clear();
	try {
		RangeReader in(message);
		if (version_of(in) != kVersion)
			return Fault::OtherVersion;
		reply = Reconciler(own_, frame_limit_, &difference_).run(in);
	} catch (Fault fault) {
		return fault;
	}
	/* The reply has nothing but the version. */
	if (reply.size() == 1)
		reply.clear();
	within(difference_.have, own_.size());
	return within(difference_.need, most_) ? Fault::None : Fault::TooMuchDiffers;
}

Difference
Client::take_difference()
{
	sort_unique(difference_.have);
	sort_unique(difference_.need);
	return std::move(difference_);
}

Fault
answer(const RecordSet &own, size_t frame_limit, std::string_view message, std::string &reply)
{
	reply.clear();
	try {
		RangeReader in(message);
		if (version_of(in) != kVersion)
			reply = char(kVersion);
		else
			reply = Reconciler(own, frame_limit, nullptr).run(in);
		return Fault::None;
	} catch (Fault fault) {
		return fault;
	}
}

} // namespace nostr::negentropy
