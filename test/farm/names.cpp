/*
 * For LD_PRELOAD into bigbrotr-net: it asks the name server of BIGBROTR_TEST_NAME_SERVER
 * ("127.0.0.1:5353") instead of those of the system, whose file it cannot be told to replace.
 */
#include <cstdlib>
#include <string>

#include <dlfcn.h>

/* What <ares.h> says, but for a const that depends on the version of c-ares. */
struct ares_channeldata;
struct ares_options;
extern "C" int ares_set_servers_ports_csv(ares_channeldata *channel, const char *servers);

/* Read at once: the net process clears its environment. */
static const std::string name_server = [] {
	const char *value = getenv("BIGBROTR_TEST_NAME_SERVER");
	return std::string(value ? value : "");
}();

extern "C" int
ares_init_options(ares_channeldata **channel, const ares_options *options, int mask)
{
	using Function = int (*)(ares_channeldata **, const ares_options *, int);
	static const auto original = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "ares_init_options"));
	const int status = original(channel, options, mask);
	return status != 0 ? status : ares_set_servers_ports_csv(*channel, name_server.c_str());
}
