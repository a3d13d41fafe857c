#include "pg/cycle/crash_file.h"

#include <algorithm>
#include <cinttypes>

#include "pg/cycle/state_file.h"

extern "C" {
#include "lib/stringinfo.h"
#include "storage/fd.h"
#include "utils/timestamp.h"
}

namespace pg {

static constexpr const char *kFile = "bigbrotr_crashes";
static constexpr int kRemembered = 16;
static constexpr int kHourMs = 3600 * 1000;

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
	StringInfoData text;
	initStringInfo(&text);
	appendStringInfo(&text, "%d " INT64_FORMAT "\n", PostmasterPid, PgStartTime);
	for (int i = 0; i < content.count; i++)
		appendStringInfo(&text, INT64_FORMAT "\n", content.times[i]);
	write_state_file(kFile, text.data);
	pfree(text.data);
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
	for (int i = 0; i < content.count; i++)
		content.times[i] = std::min(content.times[i], now); // a time in the future counts as now
	Crashes crashes;
	crashes.total = content.count;
	for (int i = 0; i < content.count; i++)
		if (!TimestampDifferenceExceeds(content.times[i], now, kHourMs))
			crashes.recent++;
	if (crashes.recent >= kMaxCrashes)
		crashes.calm =
			TimestampTzPlusMilliseconds(content.times[content.count - kMaxCrashes], kHourMs);
	return crashes;
}

void
forget_crashes()
{
	write_file(Content());
}

} // namespace pg
