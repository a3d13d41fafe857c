/*
 * Makes really signed events that look like the ones in the wild: kinds and sizes as measured on
 * real relays, threads with NIP-10 markers, reactions, reposts and zaps of earlier notes.
 * Deterministic for a seed. For tests, the demo and benchmarks.
 *
 * A relay that follows NIP-01 and NIP-09 keeps every event, as long as no author has more than one
 * profile, relay list or follow list (the first 10,000 events with 400 authors, about): addresses
 * are unique and deletions name events that are not part of the corpus.
 */
#pragma once

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "corpus_text.h"
#include "nostr/canonical.h"
#include "nostr/keys.h"

namespace corpus {

/* The tags of one event, as canonical JSON. */
class Tags
{
  public:
	Tags &add(std::initializer_list<std::string_view> items)
	{
		json_ += json_.size() > 1 ? ",[" : "[";
		for (std::string_view item : items) {
			nostr::append_json_string(item, json_);
			json_ += ',';
		}
		json_.back() = ']';
		return *this;
	}
	std::string json() const { return json_ + ']'; }

  private:
	std::string json_ = "[";
};

/* One line of JSON, its fields in the order of NIP-01 or in the alphabet's: relays do either. */
inline std::string
to_line(const nostr::Event &event, bool alphabetic)
{
	if (!alphabetic)
		return nostr::to_json(event);
	std::string out = "{\"content\":";
	nostr::append_json_string(event.content, out);
	out += ",\"created_at\":" + std::to_string(event.created_at);
	out += ",\"id\":\"" + nostr::to_hex(event.id.data(), event.id.size());
	out += "\",\"kind\":" + std::to_string(event.kind);
	out += ",\"pubkey\":\"" + nostr::to_hex(event.pubkey.data(), event.pubkey.size());
	out += "\",\"sig\":\"" + nostr::to_hex(event.sig.data(), event.sig.size());
	out += "\",\"tags\":" + event.tags + '}';
	return out;
}

} // namespace corpus

class CorpusGenerator
{
  public:
	static constexpr int64_t kBaseTime = 1760000000; // the newest event, about
	static constexpr int64_t kSpan = 90 * 86400;     // seconds before it

	/*
	 * `expected` events fill the span; more of them go on behind the base time. Random signatures
	 * are for measurements with many events that are not verified.
	 */
	enum class Signatures
	{
		Real,
		Random
	};
	explicit CorpusGenerator(uint64_t seed, int authors = 400, int64_t expected = 10000,
							 Signatures signatures = Signatures::Real)
		: random_(seed), expected_(expected), signatures_(signatures)
	{
		for (int i = 0; i < authors; i++) {
			std::string phrase =
				"bigbrotr corpus " + std::to_string(seed) + " " + std::to_string(i);
			authors_.push_back(std::make_unique<nostr::Signer>(nostr::sha256(phrase)));
		}
	}

	/* Never the same event twice; created_at never decreases. */
	nostr::Event next()
	{
		/* Some neighbours share their second, so that a page can end within a second. */
		if (made_at_)
			now_ = *made_at_;
		else if (!random_.chance(0.05))
			now_ = kBaseTime - kSpan + made_ * kSpan / expected_;
		made_++;
		nostr::Event event;
		do {
			event = draft();
			sign(*author_, event);
		} while (!ids_.insert(prefix(event.id)).second);
		if (event.kind == 1)
			remember(event);
		return event;
	}

	/* The same, made at this second. */
	nostr::Event next_at(int64_t created_at)
	{
		made_at_ = created_at;
		return next();
	}

	corpus::Random &random() { return random_; }

  private:
	/* A note that others may refer to, and the thread it belongs to. */
	struct Note
	{
		nostr::Event event;
		std::string id;
		std::string author;
		std::string root;
		std::string root_author;
	};

	static constexpr size_t kRemembered = 512;

	static uint64_t prefix(const nostr::Id &id)
	{
		uint64_t out;
		memcpy(&out, id.data(), sizeof(out));
		return out;
	}

	static std::string hex(const nostr::PublicKey &key)
	{
		return nostr::to_hex(key.data(), key.size());
	}

	void sign(const nostr::Signer &author, nostr::Event &event)
	{
		if (signatures_ == Signatures::Real)
			return author.sign(event);
		event.pubkey = author.pubkey();
		event.id = nostr::compute_id(event);
		for (uint8_t &byte : event.sig)
			byte = static_cast<uint8_t>(random_.next());
	}

	std::string_view relay() { return random_.pick(corpus::kRelays); }
	/* Half of the software gives no hint. */
	std::string_view hint() { return random_.chance(0.5) ? relay() : std::string_view(); }
	std::string someone() { return hex(random_.pick(authors_)->pubkey()); }

	/* Spreads the versions of a replaceable kind evenly, see above. */
	void next_author_of(size_t &counter) { author_ = authors_[counter++ % authors_.size()].get(); }

	void remember(const nostr::Event &event)
	{
		Note note{event, nostr::to_hex(event.id.data(), event.id.size()), hex(event.pubkey),
				  root_.empty() ? std::string() : root_, root_author_};
		if (note.root.empty()) {
			note.root = note.id;
			note.root_author = note.author;
		}
		if (notes_.size() < kRemembered)
			notes_.push_back(std::move(note));
		else
			notes_[made_ % kRemembered] = std::move(note);
	}

	nostr::Event draft()
	{
		author_ = random_.pick(authors_).get();
		root_.clear();
		double roll = static_cast<double>(random_.below(10000)) / 100;
		auto share = [&roll](double percent) {
			roll -= percent;
			return roll < 0;
		};
		if (notes_.empty())
			return note();
		if (share(28))
			return reaction();
		if (share(7))
			return repost();
		if (share(5))
			return zap();
		if (share(4))
			return profile();
		if (share(4))
			return relay_list();
		if (share(4))
			return direct_message();
		if (share(3))
			return live_event();
		if (share(2))
			return deletion();
		if (share(2))
			return gift_wrap();
		if (share(2))
			return application_data();
		if (share(0.4))
			return follow_list();
		if (share(0.4))
			return report();
		if (share(0.4))
			return article();
		return random_.chance(0.55) ? reply() : note();
	}

	nostr::Event make(int kind, const corpus::Tags &tags, std::string content)
	{
		nostr::Event event;
		event.created_at = now_;
		event.kind = kind;
		event.tags = tags.json();
		event.content = std::move(content);
		return event;
	}

	std::string words(size_t fewest, size_t most)
	{
		return corpus::text(random_, random_.between(fewest, most));
	}

	nostr::Event note()
	{
		corpus::Tags tags;
		std::string content = words(4, 90);
		if (random_.chance(0.3)) {
			std::string_view tag = random_.pick(corpus::kHashtags);
			tags.add({"t", tag});
			content.append(" #").append(tag);
		}
		if (random_.chance(0.25)) {
			std::string url = corpus::image_url(random_);
			std::string dimensions = "dim " + std::to_string(random_.between(200, 4000)) + "x1080";
			tags.add({"imeta", "url " + url, "m image/jpeg", dimensions,
					  "blurhash " + random_.base64(24), "alt " + words(3, 10)});
			content.append("\n").append(url);
		}
		if (random_.chance(0.3))
			tags.add({"client", "corpus", "31990:" + someone() + ":corpus", relay()});
		return make(1, tags, std::move(content));
	}

	nostr::Event reply()
	{
		const Note &parent = random_.pick(notes_);
		root_ = parent.root;
		root_author_ = parent.root_author;
		corpus::Tags tags;
		tags.add({"e", parent.root, hint(), "root", parent.root_author});
		if (parent.id != parent.root)
			tags.add({"e", parent.id, hint(), "reply", parent.author});
		tags.add({"p", parent.author});
		if (parent.root_author != parent.author)
			tags.add({"p", parent.root_author, hint()});
		for (size_t more = random_.below(5); more > 2; more--)
			tags.add({"p", someone(), hint(), "mention"});
		return make(1, tags, words(2, 60));
	}

	nostr::Event reaction()
	{
		static constexpr std::string_view contents[] = {"+", "+",         "🤙", "❤️",
														"🔥", ":soapbox:", "-"};
		const Note &target = random_.pick(notes_);
		std::string_view content = random_.pick(contents);
		corpus::Tags tags;
		if (random_.chance(0.3))
			tags.add({"e", target.root, hint()}).add({"p", target.root_author});
		tags.add({"e", target.id, hint(), target.author}).add({"p", target.author, hint()});
		if (random_.chance(0.6))
			tags.add({"k", "1"});
		if (content == ":soapbox:")
			tags.add({"emoji", "soapbox", corpus::image_url(random_)});
		return make(7, tags, std::string(content));
	}

	nostr::Event repost()
	{
		const Note &target = random_.pick(notes_);
		corpus::Tags tags;
		tags.add({"e", target.id, relay()}).add({"p", target.author});
		return make(6, tags, random_.chance(0.6) ? nostr::to_json(target.event) : std::string());
	}

	/* A receipt; the request in its description is signed by the sender (NIP-57). */
	nostr::Event zap()
	{
		const Note &target = random_.pick(notes_);
		const nostr::Signer &sender = *author_;
		std::string amount = std::to_string(random_.between(1, 5000) * 1000);
		corpus::Tags request_tags;
		request_tags.add({"relays", relay(), relay(), relay()}).add({"amount", amount});
		request_tags.add({"p", target.author}).add({"e", target.id});
		nostr::Event request = make(9734, request_tags, random_.chance(0.3) ? words(1, 8) : "");
		sign(sender, request);

		std::string invoice = "lnbc" + amount.substr(0, amount.size() - 2) + "n1p" +
							  random_.characters("qpzry9x8gf2tvdw0s3jn54khce6mua7l", 260);
		corpus::Tags tags;
		tags.add({"p", target.author}).add({"e", target.id}).add({"P", hex(sender.pubkey())});
		tags.add({"bolt11", invoice}).add({"preimage", random_.hex(64)});
		tags.add({"description", nostr::to_json(request)});
		/* A few services sign all of them. */
		author_ = authors_[random_.below(std::min<size_t>(5, authors_.size()))].get();
		return make(9735, tags, "");
	}

	nostr::Event profile()
	{
		next_author_of(profiles_);
		std::string content = "{\"name\":";
		std::string name = words(1, 2);
		nostr::append_json_string(name, content);
		content += ",\"about\":";
		nostr::append_json_string(words(3, 40), content);
		content += ",\"picture\":\"" + corpus::image_url(random_) + "\"";
		if (random_.chance(0.5))
			content += ",\"banner\":\"" + corpus::image_url(random_) + "\"";
		content += ",\"lud16\":\"user" + random_.hex(4) + "@wallet.example.com\"";
		content += ",\"nip05\":\"_@" + random_.hex(6) + ".example.org\"}";
		return make(0, corpus::Tags(), std::move(content));
	}

	nostr::Event relay_list()
	{
		next_author_of(relay_lists_);
		corpus::Tags tags;
		for (size_t count = random_.between(2, 8); count > 0; count--) {
			if (random_.chance(0.6))
				tags.add({"r", relay()});
			else
				tags.add({"r", relay(), random_.chance(0.5) ? "read" : "write"});
		}
		return make(10002, tags, "");
	}

	nostr::Event direct_message()
	{
		corpus::Tags tags;
		tags.add({"p", someone()});
		return make(4, tags,
					random_.base64(random_.between(40, 400)) + "?iv=" + random_.base64(22));
	}

	nostr::Event live_event()
	{
		corpus::Tags tags;
		tags.add({"d", random_.hex(32)}).add({"title", words(2, 6)}).add({"summary", words(3, 20)});
		tags.add({"image", corpus::image_url(random_)});
		tags.add({"streaming", "https://live.example.com/" + random_.hex(16) + "/index.m3u8"});
		tags.add({"starts", std::to_string(now_)});
		tags.add({"status", random_.chance(0.5) ? "live" : "ended"});
		tags.add({"p", someone(), relay(), "host"});
		tags.add({"t", random_.pick(corpus::kHashtags)});
		return make(30311, tags, "");
	}

	nostr::Event deletion()
	{
		corpus::Tags tags;
		for (size_t count = random_.between(1, 3); count > 0; count--)
			tags.add({"e", random_.hex(64)});
		tags.add({"k", "1"});
		return make(5, tags, random_.chance(0.3) ? words(2, 6) : "");
	}

	nostr::Event gift_wrap()
	{
		corpus::Tags tags;
		tags.add({"p", someone(), hint()});
		return make(1059, tags, random_.base64(random_.between(600, 1800)));
	}

	nostr::Event application_data()
	{
		corpus::Tags tags;
		tags.add({"d", "settings/" + random_.hex(24)});
		std::string content = "{\"theme\":\"dark\",\"zoom\":" + std::to_string(random_.below(200));
		content += ",\"muted\":[\"" + random_.hex(64) + "\"]}";
		return make(30078, tags, std::move(content));
	}

	/* One list in eight is long: 0.05 % of all events have 500 and more p tags. */
	nostr::Event follow_list()
	{
		next_author_of(follow_lists_);
		bool is_long = follow_lists_ % 8 == 0;
		corpus::Tags tags;
		for (size_t count = is_long ? random_.between(500, 1200) : random_.between(5, 80);
			 count > 0; count--)
			tags.add({"p", random_.chance(0.2) ? someone() : random_.hex(64)});
		return make(3, tags, "");
	}

	nostr::Event report()
	{
		const Note &target = random_.pick(notes_);
		corpus::Tags tags;
		tags.add({"e", target.id, "spam"}).add({"p", target.author, "spam"});
		return make(1984, tags, words(1, 10));
	}

	nostr::Event article()
	{
		std::string title = words(3, 8);
		std::string published = std::to_string(now_);
		std::string content = "# " + title;
		for (size_t sections = random_.between(2, 6); sections > 0; sections--)
			content += "\n\n## " + words(2, 5) + "\n\n" + words(60, 250);
		corpus::Tags tags;
		tags.add({"d", random_.hex(12)}).add({"title", title}).add({"published_at", published});
		tags.add({"image", corpus::image_url(random_)});
		tags.add({"t", random_.pick(corpus::kHashtags)});
		return make(30023, tags, std::move(content));
	}

	corpus::Random random_;
	int64_t expected_;
	Signatures signatures_;
	int64_t made_ = 0;
	int64_t now_ = kBaseTime - kSpan;
	std::optional<int64_t> made_at_; // the caller decides the second
	std::vector<std::unique_ptr<nostr::Signer>> authors_;
	const nostr::Signer *author_ = nullptr; // of the event in the making
	std::string root_;                      // its thread, if it is a reply
	std::string root_author_;
	std::vector<Note> notes_;
	std::unordered_set<uint64_t> ids_; // their first 8 bytes
	size_t profiles_ = 0;
	size_t relay_lists_ = 0;
	size_t follow_lists_ = 0;
};
