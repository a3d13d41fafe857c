#include <dlfcn.h>

#include "pg/cycle/preload.h"

namespace pg {

const char *
module_directory()
{
	static char directory[MAXPGPATH];
	Dl_info module;
	if (directory[0] == '\0' && dladdr(preloaded_build, &module) != 0) {
		strlcpy(directory, module.dli_fname, sizeof directory);
		get_parent_directory(directory);
	}
	return directory;
}

} // namespace pg
