#include "pg/cycle/crash_file.h"

#include <cinttypes>

#include "pg/border/compat.h"

extern "C" {
#include "storage/fd.h"
#include "utils/timestamp.h"
}

namespace pg {

static constexpr const char *kFile = "bigbrotr_crashes";
static constexpr const char *kTemporary = "bigbrotr_crashes.tmp";
static constexpr int kRemembered = 16;

/* The content: postmaster's id and start time in the first line, then one time per crash. */
struct Content
{
	int64 times[kRemembered];
	int count = 0;
};

static bool
read_file(Content &content)
{
	FILE *file = AllocateFile(kFile, PG_BINARY_R);
	if (file == nullptr)
		return false;
	int64 pid, start;
	bool ours = fscanf(file, "%" SCNd64 " %" SCNd64, &pid, &start) == 2 && pid == PostmasterPid &&
				start == PgStartTime;
	while (ours && content.count < kRemembered &&
		   fscanf(file, "%" SCNd64, &content.times[content.count]) == 1)
		content.count++;
	FreeFile(file);
	return ours;
}

static void
write_file(const Content &content)
{
	FILE *file = AllocateFile(kTemporary, PG_BINARY_W);
	if (file == nullptr)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("could not create file \"%s\": %m", kTemporary)));
	fprintf(file, "%d " INT64_FORMAT "\n", PostmasterPid, PgStartTime);
	for (int i = 0; i < content.count; i++)
		fprintf(file, INT64_FORMAT "\n", content.times[i]);
	bool failed = ferror(file) != 0;
	if (FreeFile(file) != 0 || failed)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not write file \"%s\": %m", kTemporary)));
	durable_rename(kTemporary, kFile, ERROR); // fsyncs the file, too
}

Crashes
count_crashes(bool restarted, TimestampTz now)
{
	Content content;
	bool same_run = read_file(content);
	if (restarted) {
		if (same_run) {
			if (content.count == kRemembered)
				memmove(content.times, content.times + 1, --content.count * sizeof(int64));
			content.times[content.count++] = now;
		}
		write_file(content);
	}
	Crashes crashes;
	crashes.total = content.count;
	for (int i = 0; i < content.count; i++)
		if (!TimestampDifferenceExceeds(content.times[i], now, 3600 * 1000))
			crashes.recent++;
	return crashes;
}

void
forget_crashes()
{
	write_file(Content());
}

} // namespace pg
