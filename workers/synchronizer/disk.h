/* Whether the archive may grow: bigbrotr.min_free_disk, bigbrotr.max_database_size. */
#pragma once

#include <cstdint>
#include <string>

/*
 * Inside a transaction. The path with the least room among those that hold the cluster, its log and
 * the archive's tables and indexes, if it has less than `least` bytes; else nothing.
 */
std::string full_disk(uint64_t least);

/* Inside a transaction. Bytes of the database on the disk. */
uint64_t database_size();
