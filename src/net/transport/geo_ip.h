/*
 * Finds the location and the network of addresses in files of the operator in MaxMind's format
 * (.mmdb), which contain countries, cities or autonomous systems. The files are mapped into memory.
 * If a mapped file is truncated, this process ends; so the server does not read these files itself.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct MMDB_s;

namespace net {

struct HostLocation
{
	std::string country;                       // ISO 3166-1, "DE"; empty: unknown (also below)
	std::string region, city;                  // English names
	std::optional<double> latitude, longitude; // both or neither; within range
	uint32_t as_number = 0;                    // 0: unknown
	std::string as_name;
};

class GeoIp
{
  public:
	static constexpr size_t kMaxName = 200; // bytes; longer names are left out

	/* Opens the files. Must be called before the sandbox is complete. */
	explicit GeoIp(const std::vector<std::string> &files);
	~GeoIp();
	GeoIp(const GeoIp &) = delete;

	/* Lines about files that could not be read; each line is returned once. */
	std::vector<std::string> take_faults();
	/* The location of a numeric address; nothing if no file knows it. If several files know a
	 * value, the first file counts. */
	std::optional<HostLocation> find(const std::string &address);

  private:
	struct File;
	std::vector<std::unique_ptr<File>> files_;
	std::vector<std::string> faults_;
};

} // namespace net
