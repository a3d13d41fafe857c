/*
 * Where addresses are, and whose: looked up in files of the operator in MaxMind's format (.mmdb),
 * of countries, cities or autonomous systems. The files are mapped: one that is cut off while it is
 * open ends this process, which is why the server does not read them itself.
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
	std::string country;                       // ISO 3166-1, "DE"; empty: not known, as below
	std::string region, city;                  // English names
	std::optional<double> latitude, longitude; // both or none; in range
	uint32_t as_number = 0;                    // 0: not known
	std::string as_name;
};

class GeoIp
{
  public:
	static constexpr size_t kMaxName = 200; // bytes; longer names are not told

	/* Opens the files, which must happen before the sandbox is complete. */
	explicit GeoIp(const std::vector<std::string> &files);
	~GeoIp();
	GeoIp(const GeoIp &) = delete;

	/* Why files cannot be read: a line for each, given once. */
	std::vector<std::string> take_faults();
	/* What the files know of a numeric address; of two that know the same, the first one counts.
	 * Nothing if none knows anything. */
	std::optional<HostLocation> find(const std::string &address);

  private:
	struct File;
	std::vector<std::unique_ptr<File>> files_;
	std::vector<std::string> faults_;
};

} // namespace net
