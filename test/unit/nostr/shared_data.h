/*
 * Test data: $BIGBROTR_SHARED/data, by default ../shared/data beside the repository, which holds
 * data that cannot be shipped; else test/data. If neither has the file, tests say so; tests that
 * need only valid events use a generated corpus.
 */
#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "../../tools/corpus.h"

namespace shared_data {

inline std::filesystem::path
path(const std::string &name)
{
	std::filesystem::path source = BIGBROTR_SOURCE_DIR;
	const char *root = getenv("BIGBROTR_SHARED");
	std::filesystem::path shared =
		(root != nullptr ? std::filesystem::path(root) : source / "../shared") / "data" / name;
	return std::filesystem::exists(shared) ? shared : source / "test/data" / name;
}

inline bool
exists(const std::string &name)
{
	if (std::filesystem::exists(path(name)))
		return true;
	GTEST_LOG_(WARNING) << "no test data " << path(name) << ", see BIGBROTR_SHARED";
	return false;
}

inline std::string
text(const std::string &name)
{
	std::ifstream in(path(name), std::ios::binary);
	return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<std::string>
split(const std::string &text)
{
	std::vector<std::string> lines;
	size_t start = 0;
	while (start < text.size()) {
		size_t end = std::min(text.find('\n', start), text.size());
		lines.push_back(text.substr(start, end - start));
		start = end + 1;
	}
	return lines;
}

inline std::vector<std::string>
lines(const std::string &name)
{
	return split(text(name));
}

inline std::vector<std::string>
gzip_lines(const std::string &name)
{
	std::string command = "gzip -dc '" + path(name).string() + "'";
	FILE *pipe = popen(command.c_str(), "r");
	std::string text;
	char buffer[65536];
	size_t size;
	while ((size = fread(buffer, 1, sizeof(buffer), pipe)) > 0)
		text.append(buffer, size);
	EXPECT_EQ(pclose(pipe), 0);
	return split(text);
}

/* A file of JSON. */
class Document
{
  public:
	explicit Document(const std::string &name) : text_(text(name)), root_(parser_.parse(text_)) {}
	simdjson::dom::element operator[](const char *key) const { return root_[key]; }
	const simdjson::dom::element &root() const { return root_; }

  private:
	simdjson::dom::parser parser_;
	std::string text_;
	simdjson::dom::element root_;
};

/* A string member, or "" if it is absent or null. */
inline std::string
member(const simdjson::dom::element &object, const char *name)
{
	std::string_view value;
	if (object[name].get_string().get(value) != simdjson::SUCCESS)
		return {};
	return std::string(value);
}

/* Lines of events in both spellings, made here. */
inline std::vector<std::string>
own_corpus(size_t count, uint64_t seed = 1)
{
	CorpusGenerator generator(seed, 20, static_cast<int64_t>(count));
	std::vector<std::string> lines;
	for (size_t i = 0; i < count; i++)
		lines.push_back(corpus::to_line(generator.next(), i % 2 == 0));
	return lines;
}

} // namespace shared_data
