#include "net/serve/web_files.h"

#include <map>

#include "net/serve/answer_writer.h"

/* The assembler includes each file in the program. BIGBROTR_WEB is the folder (Makefile,
 * CMakeLists.txt). */
#define WEB_FILE(symbol, name)                                                                     \
	asm(".pushsection .rodata\n"                                                                   \
		".global web_" #symbol "_begin, web_" #symbol "_end\n"                                     \
		".hidden web_" #symbol "_begin, web_" #symbol "_end\n"                                     \
		"web_" #symbol "_begin: .incbin \"" BIGBROTR_WEB "/" name "\"\n"                           \
		"web_" #symbol "_end:\n"                                                                   \
		".popsection");                                                                            \
	extern "C" const char web_##symbol##_begin[], web_##symbol##_end[];

#define WEB_FILES(FILE)                                                                            \
	FILE(index, "index.html", "text/html; charset=utf-8")                                          \
	FILE(icon, "icon.svg", "image/svg+xml")                                                        \
	FILE(page_style, "page.css", "text/css; charset=utf-8")                                        \
	FILE(embed_style, "embed.css", "text/css; charset=utf-8")                                      \
	FILE(page, "page.js", kScript)                                                                 \
	FILE(api, "api.js", kScript)                                                                   \
	FILE(dom, "dom.js", kScript)                                                                   \
	FILE(plot, "plot.js", kScript)                                                                 \
	FILE(overview, "overview.js", kScript)                                                         \
	FILE(relays, "relays.js", kScript)                                                             \
	FILE(relay, "relay.js", kScript)                                                               \
	FILE(kinds, "kinds.js", kScript)                                                               \
	FILE(search, "search.js", kScript)                                                             \
	FILE(event, "event.js", kScript)                                                               \
	FILE(statistics, "statistics.js", kScript)                                                     \
	FILE(try_it, "try.js", kScript)

#define WEB_BYTES(symbol, name, type) WEB_FILE(symbol, name)
WEB_FILES(WEB_BYTES)

namespace net {

static constexpr const char *kScript = "text/javascript; charset=utf-8";

const WebFile *
web_file(std::string_view name)
{
	static const std::map<std::string_view, WebFile> files = [] {
		std::map<std::string_view, WebFile> all;
#define WEB_ENTRY(symbol, name, type)                                                              \
	all[name] = {.content_type = type,                                                             \
				 .bytes = {web_##symbol##_begin, web_##symbol##_end},                              \
				 .compressed = ""};
		WEB_FILES(WEB_ENTRY)
		for (auto &[ignored, file] : all)
			file.compressed = gzipped(file.bytes);
		return all;
	}();
	auto found = files.find(name);
	return found == files.end() ? nullptr : &found->second;
}

} // namespace net
