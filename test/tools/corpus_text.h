/*
 * Random numbers and human-looking text for the corpus: the same for a seed on every machine.
 */
#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace corpus {

/* SplitMix64: small, and the standard library's distributions differ between implementations. */
class Random
{
  public:
	explicit Random(uint64_t seed) : state_(seed) {}

	uint64_t next()
	{
		uint64_t z = state_ += 0x9e3779b97f4a7c15;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		return z ^ z >> 31;
	}

	/* 0 .. bound - 1 */
	size_t below(size_t bound) { return next() % bound; }
	/* lower .. upper */
	size_t between(size_t lower, size_t upper) { return lower + below(upper - lower + 1); }
	bool chance(double probability) { return next() < probability * 0x1p64; }

	template <typename Container> const auto &pick(const Container &from)
	{
		return *(std::begin(from) + below(std::size(from)));
	}

	std::string characters(std::string_view alphabet, size_t count)
	{
		std::string out(count, '\0');
		for (char &c : out)
			c = pick(alphabet);
		return out;
	}

	std::string hex(size_t digits) { return characters("0123456789abcdef", digits); }

	std::string base64(size_t characters_before_padding)
	{
		return characters("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
						  characters_before_padding) +
			   "==";
	}

  private:
	uint64_t state_;
};

inline constexpr std::string_view kWords[] = {
	"about",    "after",   "again",  "all",      "also",   "always",   "and",      "another",
	"any",      "archive", "as",     "at",       "back",   "because",  "before",   "better",
	"block",    "book",    "build",  "but",      "by",     "can",      "client",   "coffee",
	"coming",   "could",   "day",    "did",      "do",     "does",     "down",     "each",
	"early",    "even",    "event",  "every",    "feed",   "feels",    "few",      "find",
	"first",    "follow",  "for",    "free",     "from",   "garden",   "get",      "give",
	"go",       "good",    "great",  "had",      "hand",   "happy",    "has",      "have",
	"he",       "hello",   "here",   "home",     "how",    "i",        "idea",     "if",
	"in",       "into",    "is",     "it",       "just",   "keep",     "key",      "kind",
	"know",     "last",    "learn",  "less",     "life",   "like",     "list",     "little",
	"long",     "look",    "make",   "many",     "market", "maybe",    "me",       "money",
	"more",     "morning", "most",   "mountain", "music",  "my",       "network",  "never",
	"new",      "night",   "no",     "node",     "not",    "note",     "nothing",  "now",
	"of",       "old",     "on",     "one",      "only",   "open",     "or",       "other",
	"our",      "out",     "over",   "own",      "paper",  "people",   "photo",    "place",
	"please",   "point",   "price",  "private",  "proof",  "protocol", "question", "quiet",
	"rain",     "read",    "really", "relay",    "reply",  "river",    "run",      "say",
	"see",      "send",    "share",  "she",      "should", "signal",   "simple",   "small",
	"so",       "some",    "still",  "stone",    "story",  "street",   "summer",   "table",
	"take",     "talk",    "tell",   "than",     "that",   "the",      "their",    "then",
	"there",    "they",    "thing",  "think",    "this",   "time",     "to",       "today",
	"tomorrow", "too",     "train",  "tree",     "trust",  "try",      "two",      "under",
	"until",    "up",      "use",    "very",     "wait",   "walk",     "want",     "was",
	"water",    "way",     "we",     "week",     "well",   "were",     "what",     "when",
	"where",    "which",   "while",  "who",      "why",    "wind",     "with",     "word",
	"work",     "world",   "would",  "write",    "year",   "yes",      "you"};

/* Other scripts, characters beyond the BMP, joined emoji, and what JSON must escape. */
inline constexpr std::string_view kSpices[] = {"🤙",
											   "😂😂",
											   "🫡",
											   "👩‍💻",
											   "🇨🇭",
											   "schöne Grüße aus Zürich",
											   "Straße",
											   "très bien, merci",
											   "おはようございます",
											   "今日は天気がいい",
											   "早上好",
											   "Доброе утро",
											   "صباح الخير",
											   "mañana",
											   "\"quoted\"",
											   "C:\\temp",
											   "1 < 2 && 3 > 2",
											   "and/or",
											   "\ttabbed",
											   "…",
											   "“smart” quotes",
											   "e\u0301 decomposed"};

inline constexpr std::string_view kHashtags[] = {
	"nostr", "bitcoin",   "photography", "introductions", "music",    "grownostr",
	"art",   "plebchain", "zap",         "coffeechain",   "asknostr", "日本語"};

inline constexpr std::string_view kRelays[] = {
	"wss://relay.example.com",      "wss://nostr.example.org",     "wss://nos.example.net",
	"wss://relay.example.net/chat", "wss://eu.relay.example.org",  "wss://purple.example.com",
	"wss://offchain.example.org",   "wss://inbox.example.net:4848"};

/* About `words` words in sentences. */
inline std::string
text(Random &random, size_t words)
{
	std::string out;
	bool start = true;
	for (size_t i = 0; i < words; i++) {
		if (!out.empty())
			out += random.chance(0.03) ? "\n\n" : " ";
		if (random.chance(0.02)) {
			out += random.pick(kSpices);
			continue;
		}
		size_t at = out.size();
		out += random.pick(kWords);
		if (start)
			out[at] = static_cast<char>(out[at] - 'a' + 'A');
		start = random.chance(0.12);
		if (start)
			out += random.pick(std::string_view("...!?"));
	}
	return out;
}

inline std::string
image_url(Random &random)
{
	return "https://media.example.com/" + random.hex(64) + ".jpg";
}

} // namespace corpus
