#include "workers/synchronizer/disk.h"

#include <sys/statvfs.h>

#include "pg/border/spi.h"

namespace {

pg::Statement tablespaces_statement(
	"SELECT DISTINCT 'pg_tblspc/' || c.reltablespace FROM pg_class AS c "
	"WHERE c.relnamespace = 'bigbrotr'::regnamespace AND c.reltablespace <> 0 "
	"UNION SELECT 'pg_tblspc/' || d.dattablespace FROM pg_database AS d "
	"WHERE d.datname = current_database()");

pg::Statement size_statement("SELECT pg_database_size(current_database())");

/* Free bytes that the server's user may write at a path below the data directory, which is the
 * current directory. */
uint64_t
free_bytes(const std::string &path)
{
	struct statvfs disk;
	if (statvfs(path.c_str(), &disk) != 0)
		return UINT64_MAX; // pg_tblspc has no entry for the tablespaces inside the data directory
	return uint64_t{disk.f_bavail} * disk.f_frsize;
}

} // namespace

DiskRoom
least_disk_room()
{
	DiskRoom least;
	auto look = [&](std::string path) {
		uint64_t room = free_bytes(path);
		if (room < least.free_bytes)
			least = {.path = std::move(path), .free_bytes = room};
	};
	look(".");
	look("pg_wal");
	pg::Rows rows = tablespaces_statement.run();
	for (uint64_t row = 0; row < rows.count(); row++)
		look(std::string(rows.bytes(row, 1)));
	return least;
}

uint64_t
database_size()
{
	return static_cast<uint64_t>(size_statement.run().integer(0, 1));
}
