#include "net/core/config.h"

namespace net {

Config::Config(const wire::Settings &settings)
	: allow_local(settings.allow_local), connect_timeout(settings.connect_timeout_ms),
	  response_timeout(settings.response_timeout_ms), page_limit(int(settings.page_limit)),
	  max_message_bytes(settings.max_message_bytes), buffer_bytes(settings.buffer_bytes),
	  tls_ca_file(settings.tls_ca_file), user_agent(printable(settings.user_agent))
{
	limits.event_bytes = settings.max_event_bytes;
	limits.tags = settings.max_event_tags;
}

std::string
printable(std::string_view text)
{
	std::string out(text.substr(0, 200));
	for (char &c : out)
		if (c < 0x20 || c > 0x7e)
			c = '?';
	return out;
}

} // namespace net
