#include "net/core/config.h"

namespace net {

Config::Config(const wire::ArchiveSettings &settings)
	: allow_local(settings.allow_local_relays), connect_timeout(settings.connect_timeout_ms),
	  response_timeout(settings.response_timeout_ms), page_limit(settings.page_limit),
	  max_message_bytes(size_t(settings.max_message_size_kb) * 1024),
	  buffer_bytes(uint64_t(settings.buffer_kb) * 1024), tls_ca_file(settings.tls_ca_file),
	  user_agent(settings.user_agent)
{
	limits.event_bytes = size_t(settings.max_event_size_kb) * 1024;
	limits.tags = size_t(settings.max_event_tags);
}

} // namespace net
