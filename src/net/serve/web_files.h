/* The files of the web page (src/net/serve/web), which are part of the program. */
#pragma once

#include <string>
#include <string_view>

namespace net {

struct WebFile
{
	const char *content_type;
	std::string_view bytes;
	std::string compressed; // the content in gzip format
};

/* The file with this name, such as "page.css"; null if there is none. */
const WebFile *web_file(std::string_view name);

} // namespace net
