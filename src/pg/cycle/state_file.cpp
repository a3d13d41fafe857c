#include "pg/cycle/state_file.h"

#include "pg/border/compat.h"

extern "C" {
#include "storage/fd.h"
}

namespace pg {

bool
write_state_file(const char *name, const char *content)
{
	char temporary[MAXPGPATH];
	snprintf(temporary, sizeof temporary, "%s.tmp", name);
	FILE *file = AllocateFile(temporary, PG_BINARY_W);
	bool written = file != nullptr && fputs(content, file) >= 0;
	int error = errno;
	if (file != nullptr && FreeFile(file) != 0 && written) {
		written = false;
		error = errno;
	}
	if (!written) {
		errno = error;
		ereport(WARNING,
				(errcode_for_file_access(), errmsg("could not write file \"%s\": %m", temporary)));
		return false;
	}
	return durable_rename(temporary, name, WARNING) == 0; // syncs the file first
}

} // namespace pg
