#include <dlfcn.h>

#include "pg/cycle/preload.h"

#include <algorithm>

extern "C" {
#include "postmaster/bgworker.h"
#include "storage/fd.h"
}

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

void
set_main(BackgroundWorker &worker, const char *library, const char *function)
{
	constexpr size_t size = sizeof worker.bgw_library_name;
	if (snprintf(worker.bgw_library_name, size, "%s/%s", module_directory(), library) >= int(size))
		strlcpy(worker.bgw_library_name, library, size);
	strlcpy(worker.bgw_function_name, function, sizeof worker.bgw_function_name);
}

/* The file is not mapped, because it may be cut while it is replaced. */
bool
core_is_replaced()
{
	char path[MAXPGPATH];
	snprintf(path, sizeof path, "%s/bigbrotr_core%s", module_directory(), DLSUFFIX);
	FILE *file = AllocateFile(path, PG_BINARY_R);
	if (file == nullptr)
		return false;
	static char window[1 << 16];
	const size_t length = strlen(preloaded_build);
	size_t kept = 0, count;
	bool found = false;
	while (!found && (count = fread(window + kept, 1, sizeof window - kept, file)) > 0) {
		size_t size = kept + count;
		found = memmem(window, size, preloaded_build, length) != nullptr;
		kept = std::min(size, length - 1); // a build may begin in one window and end in the next
		memmove(window, window + size - kept, kept);
	}
	FreeFile(file);
	return !found;
}

} // namespace pg
