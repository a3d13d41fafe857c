/* Whether the archive may grow: bigbrotr.min_free_disk, bigbrotr.max_database_size. */
#pragma once

#include <cstdint>
#include <string>

struct DiskRoom
{
	std::string path; // relative to the data directory
	uint64_t free_bytes = UINT64_MAX;
};

/*
 * Must be called inside a transaction. Returns the path with the least free space among those of
 * the cluster, of its WAL, and of the archive's tables and indexes.
 */
DiskRoom least_disk_room();

/* Must be called inside a transaction. Size of the database in bytes. */
uint64_t database_size();
