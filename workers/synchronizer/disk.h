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
 * Inside a transaction. The path with the least room among those that hold the cluster, its log and
 * the archive's tables and indexes.
 */
DiskRoom least_disk_room();

/* Inside a transaction. Bytes of the database on the disk. */
uint64_t database_size();
