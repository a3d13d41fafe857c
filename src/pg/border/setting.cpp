#include "pg/border/setting.h"

#include <climits>

#include <unistd.h>

extern "C" {
#include "miscadmin.h"
}

namespace pg {

static int
parse(const Setting &setting, const char *value)
{
	int result;
	const char *hint = nullptr;
	if (!parse_int(value, &result, setting.flags, &hint))
		elog(ERROR, "setting \"%s\" is declared with the value \"%s\"", setting.name, value);
	return result;
}

static int
chosen(const Setting &setting)
{
	for (const config_enum_entry *choice = setting.choices; choice->name; choice++)
		if (strcmp(choice->name, setting.boot_value) == 0)
			return choice->val;
	elog(ERROR, "setting \"%s\" is declared with the value \"%s\"", setting.name,
		 setting.boot_value);
}

static void
define(const char *name, const Setting &setting)
{
	GucContext context = setting.context;
	int flags = setting.flags;
	switch (setting.variable.type) {
	case Variable::Type::Bool:
		DefineCustomBoolVariable(name, setting.meaning, nullptr, setting.variable.of_bool,
								 strcmp(setting.boot_value, "on") == 0, context, flags, nullptr,
								 nullptr, nullptr);
		break;
	case Variable::Type::Int:
		DefineCustomIntVariable(
			name, setting.meaning, nullptr, setting.variable.of_int,
			parse(setting, setting.boot_value), parse(setting, setting.bounds.min_value),
			setting.bounds.max_value ? parse(setting, setting.bounds.max_value) : INT_MAX, context,
			flags, nullptr, nullptr, nullptr);
		break;
	case Variable::Type::String:
		DefineCustomStringVariable(name, setting.meaning, nullptr, setting.variable.of_string,
								   setting.boot_value, context, flags, setting.check, nullptr,
								   nullptr);
		break;
	case Variable::Type::Choice:
		DefineCustomEnumVariable(name, setting.meaning, nullptr, setting.variable.of_int,
								 chosen(setting), setting.choices, context, flags, nullptr, nullptr,
								 nullptr);
		break;
	}
}

void
define_settings(std::span<const Setting> settings)
{
	for (const Setting &setting : settings) {
		char name[NAMEDATALEN];
		snprintf(name, sizeof name, "bigbrotr.%s", setting.name);
		define(name, setting);
	}
}

bool
check_file_path(char **value, void **, GucSource)
{
	if (**value == '\0')
		return true;
	if (**value == '/') {
		/* Warns once for a reload, although every session checks the value again. */
		if (!IsUnderPostmaster && access(*value, R_OK) != 0)
			ereport(WARNING,
					(errcode_for_file_access(), errmsg("could not read file \"%s\": %m", *value),
					 errdetail("A setting of bigbrotr names it."),
					 errhint("Name a file that the server may read, and reload.")));
		return true;
	}
	GUC_check_errdetail("\"%s\" is not an absolute path.", *value);
	GUC_check_errhint("Give a path that begins with \"/\", or nothing for the default.");
	return false;
}

} // namespace pg
