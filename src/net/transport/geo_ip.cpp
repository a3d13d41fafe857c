#include "net/transport/geo_ip.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <simdjson.h>

namespace net {

struct GeoIp::File
{
	std::string path;
	MMDB_s base{};
	bool open = false, broken = false;

	~File()
	{
		if (open)
			MMDB_close(&base);
	}
};

namespace {

using Path = const char *const[];

/* The value at a path of keys; nothing if it is missing or has another type. */
std::optional<MMDB_entry_data_s>
value_at(MMDB_entry_s &entry, const char *const *path, uint32_t type)
{
	MMDB_entry_data_s data{};
	if (MMDB_aget_value(&entry, &data, path) != MMDB_SUCCESS || !data.has_data || data.type != type)
		return std::nullopt;
	return data;
}

void
take_text(MMDB_entry_s &entry, const char *const *path, std::string &out)
{
	auto data = value_at(entry, path, MMDB_DATA_TYPE_UTF8_STRING);
	if (!out.empty() || !data || data->data_size > GeoIp::kMaxName ||
		!simdjson::validate_utf8(data->utf8_string, data->data_size))
		return;
	std::string_view text(data->utf8_string, data->data_size);
	if (std::ranges::none_of(text, [](unsigned char c) { return c < ' '; }))
		out = text;
}

void
take_coordinates(MMDB_entry_s &entry, HostLocation &out)
{
	constexpr Path kLatitude = {"location", "latitude", nullptr};
	constexpr Path kLongitude = {"location", "longitude", nullptr};
	auto latitude = value_at(entry, kLatitude, MMDB_DATA_TYPE_DOUBLE);
	auto longitude = value_at(entry, kLongitude, MMDB_DATA_TYPE_DOUBLE);
	if (out.latitude || !latitude || !longitude || !(std::abs(latitude->double_value) <= 90) ||
		!(std::abs(longitude->double_value) <= 180))
		return;
	out.latitude = latitude->double_value;
	out.longitude = longitude->double_value;
}

/* A country code has two letters; other values mean nothing. */
bool
is_country(std::string_view code)
{
	return code.size() == 2 &&
		   std::ranges::all_of(code, [](char c) { return c >= 'A' && c <= 'Z'; });
}

void
take(MMDB_entry_s &entry, HostLocation &out)
{
	constexpr Path kCountry = {"country", "iso_code", nullptr};
	constexpr Path kRegion = {"subdivisions", "0", "names", "en", nullptr};
	constexpr Path kCity = {"city", "names", "en", nullptr};
	constexpr Path kNumber = {"autonomous_system_number", nullptr};
	constexpr Path kOwner = {"autonomous_system_organization", nullptr};
	take_text(entry, kCountry, out.country);
	if (!is_country(out.country))
		out.country.clear();
	take_text(entry, kRegion, out.region);
	take_text(entry, kCity, out.city);
	take_coordinates(entry, out);
	if (auto number = value_at(entry, kNumber, MMDB_DATA_TYPE_UINT32); number && !out.as_number)
		out.as_number = number->uint32;
	take_text(entry, kOwner, out.as_name);
}

/* False if the text is not a numeric address. */
bool
parse(const std::string &text, sockaddr_storage &out)
{
	auto *v4 = reinterpret_cast<sockaddr_in *>(&out);
	auto *v6 = reinterpret_cast<sockaddr_in6 *>(&out);
	out.ss_family = text.find(':') == text.npos ? AF_INET : AF_INET6;
	void *bytes = out.ss_family == AF_INET ? static_cast<void *>(&v4->sin_addr) : &v6->sin6_addr;
	return inet_pton(out.ss_family, text.c_str(), bytes) == 1;
}

} // namespace

GeoIp::GeoIp(const std::vector<std::string> &files)
{
	for (const std::string &path : files) {
		auto file = std::make_unique<File>();
		file->path = path;
		if (int error = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &file->base);
			error != MMDB_SUCCESS) {
			faults_.push_back("could not open \"" + path +
							  "\", a file of bigbrotr.geoip_database: " + MMDB_strerror(error));
			continue;
		}
		file->open = true;
		files_.push_back(std::move(file));
	}
}

GeoIp::~GeoIp() = default;

std::vector<std::string>
GeoIp::take_faults()
{
	return std::exchange(faults_, {});
}

std::optional<HostLocation>
GeoIp::find(const std::string &address)
{
	sockaddr_storage parsed{};
	if (files_.empty() || !parse(address, parsed))
		return std::nullopt;
	HostLocation location;
	for (const auto &file : files_) {
		int error = MMDB_SUCCESS;
		MMDB_lookup_result_s found =
			MMDB_lookup_sockaddr(&file->base, reinterpret_cast<sockaddr *>(&parsed), &error);
		if (error == MMDB_SUCCESS && found.found_entry)
			take(found.entry, location);
		else if (error != MMDB_SUCCESS && error != MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR &&
				 !std::exchange(file->broken, true))
			faults_.push_back(
				"\"" + file->path +
				"\", a file of bigbrotr.geoip_database, is broken: " + MMDB_strerror(error));
	}
	if (location.country.empty() && !location.latitude && location.as_number == 0)
		return std::nullopt;
	return location;
}

} // namespace net
