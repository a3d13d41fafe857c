#include "negentropy.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace nostr::negentropy {

namespace {

constexpr uint8_t kVersion = 0x61;
constexpr uint8_t kFirstVersion = 0x60, kLastVersion = 0x6f;

enum Mode : uint64_t
{
	Skip = 0,
	Fingerprints = 1,
	Ids = 2
};

/* A range with more records is described by the fingerprints of this many parts; a smaller range by
 * its ids. */
constexpr size_t kParts = 16;
constexpr size_t kFewRecords = 2 * kParts;
/* Size of a fingerprint with its bound, in bytes. */
constexpr size_t kFingerprintCost = 21;

/* Bytes of a frame that are kept free for the last range and for the largest single write. */
constexpr size_t kSpare = 200;

/* Writes ranges. A time is written as the difference from the previous time in the message. */
class RangeWriter
{
  public:
	explicit RangeWriter(size_t frame_limit) : frame_limit_(frame_limit) {}

	void skip(const Bound &upper) { range(upper, Mode::Skip); }
	void fingerprint(const Bound &upper, const Fingerprint &fingerprint)
	{
		range(upper, Mode::Fingerprints);
		out_.append(reinterpret_cast<const char *>(fingerprint.data()), fingerprint.size());
	}
	void ids(const Bound &upper, std::span<const Record> records)
	{
		range(upper, Mode::Ids);
		append_varint(records.size(), out_);
		for (const Record &record : records)
			out_.append(reinterpret_cast<const char *>(record.id.data()), record.id.size());
	}
	/* Describes the records from `lower` to `upper`, which are all records of the range that ends
	 * at the bound. */
	void describe(const RecordSet &own, size_t lower, size_t upper, const Bound &bound)
	{
		const size_t count = upper - lower;
		if (count < kFewRecords)
			return ids(bound, own.part(lower, upper));
		parts(own, lower, upper, bound, kParts);
	}
	/*
	 * Describes the range as a question of the client, in the form that costs least together with
	 * its answer. If a fingerprint differs, the server sends all ids (if they are few) or kParts
	 * fingerprints. A range of some hundred records is left undivided, so that the server divides
	 * it. In a range of few records, a fingerprint costs as much as the ids of a part.
	 */
	void ask(const RecordSet &own, size_t lower, size_t upper, const Bound &bound)
	{
		const size_t count = upper - lower;
		if (count == 0 || count >= kFewRecords * kParts)
			return describe(own, lower, upper, bound);
		size_t number = 1;
		while (count < kFewRecords &&
			   (number + 1) * (number + 1) * kFingerprintCost <= count * sizeof(Id))
			number++;
		parts(own, lower, upper, bound, number);
	}

	/* Whether a message of this size has no space for more ranges. */
	bool exceeds(size_t size) const { return frame_limit_ > 0 && size + kSpare > frame_limit_; }
	size_t size() const { return out_.size(); }
	/* Drops everything beyond this size. Only a bound at infinity may follow. */
	void cut(size_t size) { out_.resize(size); }
	std::string take() { return std::move(out_); }

  private:
	/* Writes the fingerprints of `number` parts of the range. */
	void parts(const RecordSet &own, size_t lower, size_t upper, const Bound &bound, size_t number)
	{
		const size_t count = upper - lower;
		for (size_t part = 0; part < number; part++) {
			size_t next = lower + count / number + (part < count % number);
			fingerprint(next == upper ? bound : Bound::between(own[next - 1], own[next]),
						own.fingerprint(lower, next));
			lower = next;
		}
	}
	void range(const Bound &upper, Mode mode)
	{
		if (upper.created_at == Bound::kInfinity) {
			append_varint(0, out_);
		} else {
			append_varint(upper.created_at - last_ + 1, out_);
			last_ = upper.created_at;
		}
		append_varint(upper.id_bytes, out_);
		out_.append(reinterpret_cast<const char *>(upper.id.data()), upper.id_bytes);
		append_varint(mode, out_);
	}

	const size_t frame_limit_;
	std::string out_{char(kVersion)};
	uint64_t last_ = 0; // time of the previous bound
};

class RangeReader
{
  public:
	explicit RangeReader(std::string_view message) : rest_(message) {}

	bool at_end() const { return rest_.empty(); }
	std::string_view bytes(size_t size)
	{
		if (size > rest_.size())
			throw Fault::CutShort;
		std::string_view bytes = rest_.substr(0, size);
		rest_.remove_prefix(size);
		return bytes;
	}
	uint64_t number()
	{
		uint64_t value = 0;
		for (int groups = 0; groups < kMaxGroups && value >> 57 == 0; groups++) {
			auto byte = uint8_t(bytes(1)[0]);
			value = value << 7 | (byte & 0x7f);
			if (byte < 0x80)
				return value;
		}
		throw Fault::TooLarge;
	}
	/* Reads a bound, which must not be below the previous one. */
	Bound bound()
	{
		Bound bound{.created_at = number()};
		if (bound.created_at == 0)
			bound.created_at = Bound::kInfinity;
		else if (__builtin_add_overflow(last_.created_at, bound.created_at - 1, &bound.created_at))
			bound.created_at = Bound::kInfinity;
		uint64_t told = number();
		if (told > bound.id.size())
			throw Fault::LongPrefix;
		std::string_view id = bytes(told);
		bound.id_bytes = uint8_t(told);
		std::copy(id.begin(), id.end(), bound.id.begin());
		if (bound < last_)
			throw Fault::Unordered;
		last_ = bound;
		return bound;
	}
	/* Reads a list of ids. Returns it sorted, without duplicates. */
	std::vector<Id> ids()
	{
		uint64_t count = number();
		if (count > rest_.size() / sizeof(Id))
			throw Fault::CutShort;
		std::vector<Id> ids(count);
		for (Id &id : ids) {
			std::string_view from = bytes(id.size());
			std::copy(from.begin(), from.end(), id.begin());
		}
		std::sort(ids.begin(), ids.end());
		ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
		return ids;
	}
	void skip_ids()
	{
		uint64_t count = number();
		if (count > rest_.size() / sizeof(Id))
			throw Fault::CutShort;
		rest_.remove_prefix(count * sizeof(Id));
	}

  private:
	static constexpr int kMaxGroups = 10; // groups of seven bits in a 64-bit number

	std::string_view rest_;
	Bound last_;
};

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
		return "a message cut short";
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
