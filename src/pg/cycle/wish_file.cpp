#include "pg/cycle/wish_file.h"

#include <utility>

#include "pg/cycle/state_file.h"

extern "C" {
#include "lib/stringinfo.h"
#include "storage/fd.h"
}

namespace pg {

static constexpr const char *kFile = "bigbrotr_wishes";

/*
 * One line of the file: "archive synchronizer stopped", or "paused", or "stopped,paused". In the
 * database's name, a byte that would end the word is escaped, as in "my%20archive".
 */
struct Wish
{
	char database[NAMEDATALEN];
	char service[NAMEDATALEN];
	bool stopped, paused;
};

struct Wishes
{
	Wish *list; // as many elements as there are slots
	int count;
};

static Wishes saved;   // the content of the file
static Wishes present; // the wishes in the slots, for comparison

static void
append_name(StringInfo text, const char *name)
{
	for (; *name != '\0'; name++) {
		unsigned char byte = *name;
		if (byte <= ' ' || byte == '%' || byte == 0x7f)
			appendStringInfo(text, "%%%02x", byte);
		else
			appendStringInfoChar(text, byte);
	}
}

/* The reverse of append_name(); false if the text is malformed. */
static bool
read_name(const char *text, char (&name)[NAMEDATALEN])
{
	int length = 0;
	for (; *text != '\0' && length < NAMEDATALEN - 1; text++) {
		unsigned int byte = static_cast<unsigned char>(*text);
		if (byte == '%') {
			if (sscanf(text + 1, "%2x", &byte) != 1 || byte == 0 || strlen(text) < 3)
				return false;
			text += 2;
		}
		name[length++] = static_cast<char>(byte);
	}
	name[length] = '\0';
	return *text == '\0' && length > 0;
}

static bool
read_line(const char *line, Wish &wish)
{
	char database[3 * NAMEDATALEN], words[16];
	static_assert(NAMEDATALEN == 64); // the widths below
	memset(static_cast<void *>(&wish), 0, sizeof wish);
	if (sscanf(line, "%191s %63s %15s", database, wish.service, words) != 3 ||
		!read_name(database, wish.database))
		return false;
	wish.stopped = strncmp(words, "stopped", 7) == 0;
	wish.paused = strstr(words, "paused") != nullptr;
	return wish.stopped || wish.paused;
}

void
read_wishes()
{
	Assert(!LWLockHeldByMe(shared->lock));
	Size size = mul_size(shared->slot_count, sizeof(Wish));
	for (Wishes *wishes : {&saved, &present})
		wishes->list = static_cast<Wish *>(MemoryContextAlloc(TopMemoryContext, size));
	FILE *file = AllocateFile(kFile, PG_BINARY_R);
	if (file == nullptr)
		return;
	char line[512];
	bool garbage = false;
	for (int lines = 0; lines < 2 * shared->slot_count && fgets(line, sizeof line, file); lines++)
		if (saved.count < shared->slot_count && read_line(line, saved.list[saved.count]))
			saved.count++;
		else
			garbage = true;
	FreeFile(file);
	if (garbage)
		ereport(LOG, (errmsg("file \"%s\" has lines that are not understood", kFile)));
}

void
apply_wishes(Slot &slot)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	for (int i = 0; i < saved.count; i++) {
		const Wish &wish = saved.list[i];
		if (is_of(slot, wish.database, wish.service)) {
			slot.stopped = wish.stopped;
			slot.pause = wish.paused;
		}
	}
}

/* Fills `present` from the slots. Returns the number of the last change that `present` contains. */
static uint64
collect()
{
	present.count = 0;
	LWLockAcquire(shared->lock, LW_SHARED);
	for (const Slot &slot : all_slots()) {
		if (!slot.used || slot.instance != 1 || !(slot.stopped || slot.pause))
			continue;
		Wish &wish = present.list[present.count++];
		memset(static_cast<void *>(&wish), 0, sizeof wish);
		strlcpy(wish.database, slot.database, sizeof wish.database);
		strlcpy(wish.service, slot.service, sizeof wish.service);
		wish.stopped = slot.stopped;
		wish.paused = slot.pause;
	}
	uint64 change = shared->wishes;
	LWLockRelease(shared->lock);
	return change;
}

static bool
write_present()
{
	StringInfoData text;
	initStringInfo(&text);
	for (int i = 0; i < present.count; i++) {
		const Wish &wish = present.list[i];
		append_name(&text, wish.database);
		appendStringInfo(&text, " %s %s%s%s\n", wish.service, wish.stopped ? "stopped" : "",
						 wish.stopped && wish.paused ? "," : "", wish.paused ? "paused" : "");
	}
	bool written = write_state_file(kFile, text.data);
	pfree(text.data);
	return written;
}

bool
save_wishes()
{
	Assert(!LWLockHeldByMe(shared->lock));
	uint64 change = collect();
	bool same = present.count == saved.count &&
				memcmp(present.list, saved.list, present.count * sizeof(Wish)) == 0;
	if (!same) {
		if (!write_present())
			return false;
		std::swap(present, saved);
	}
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	bool news = shared->wishes_in_file != change;
	shared->wishes_in_file = change;
	LWLockRelease(shared->lock);
	if (news)
		announce();
	return true;
}

} // namespace pg
