/* bigbrotr.log_level: "info, synchronizer=debug". */
#include <algorithm>
#include <optional>

#include "pg/cycle/settings.h"

namespace pg::settings {

/* One item of bigbrotr.log_level: a level for all services (`service` empty) or for one service. */
struct LevelItem
{
	std::string_view service, level;
};

static std::string_view
trim(std::string_view text)
{
	while (!text.empty() && isspace((unsigned char) text.front()))
		text.remove_prefix(1);
	while (!text.empty() && isspace((unsigned char) text.back()))
		text.remove_suffix(1);
	return text;
}

/* Returns the text before the first `separator` and leaves the text after it in `rest`. Without a
 * separator returns all; then rest.data() is null. */
static std::string_view
cut(std::string_view &rest, char separator)
{
	size_t end = std::min(rest.find(separator), rest.size());
	std::string_view first(rest.data(), end);
	rest = end == rest.size() ? std::string_view()
							  : std::string_view(first.data() + end + 1, rest.size() - end - 1);
	return first;
}

static LevelItem
next_level(std::string_view &rest)
{
	std::string_view level = cut(rest, ',');
	std::string_view service = cut(level, '=');
	if (level.data() == nullptr)
		return {.service = {}, .level = trim(service)};
	return {.service = trim(service), .level = trim(level)};
}

static std::optional<wire::LogLevel>
level_named(std::string_view name)
{
	if (name == "debug")
		return wire::LogLevel::Debug;
	if (name == "info")
		return wire::LogLevel::Info;
	if (name == "warning")
		return wire::LogLevel::Warning;
	return std::nullopt;
}

bool
check_log_level(char **value, void **, GucSource)
{
	std::string_view rest = *value;
	do {
		LevelItem item = next_level(rest);
		if (!level_named(item.level)) {
			GUC_check_errdetail("\"%.*s\" is not a level.", (int) item.level.size(),
								item.level.data());
			GUC_check_errhint("Levels are debug, info and warning, as in "
							  "\"info, synchronizer=debug\".");
			return false;
		}
		if (item.service.data() != nullptr && !find_service(item.service)) {
			GUC_check_errdetail("There is no service \"%.*s\".", (int) item.service.size(),
								item.service.data());
			GUC_check_errhint("Services are: %s.", service_names());
			return false;
		}
	} while (rest.data() != nullptr);
	return true;
}

wire::LogLevel
log_level_of(std::string_view service)
{
	wire::LogLevel common = wire::LogLevel::Info;
	std::string_view rest = log_level;
	while (!rest.empty()) {
		LevelItem item = next_level(rest);
		wire::LogLevel level = level_named(item.level).value_or(common);
		if (item.service == service)
			return level;
		if (item.service.empty())
			common = level;
	}
	return common;
}

} // namespace pg::settings
