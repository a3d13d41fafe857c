/*
 * A setting is declared once, as a row of a table: settings of functions in settings.cpp, settings
 * of the frame in cycle/settings.cpp, settings of a service in workers/<service>/entry.cpp. The
 * server's definition of the setting and the view bigbrotr.settings are made from the row;
 * docs/settings.md must agree with it.
 */
#pragma once

#include <span>

#include "pg/border/compat.h"

namespace pg {

/* The variable of a setting. Only the server's settings code writes it. */
struct Variable
{
	enum class Type : uint8_t
	{
		Bool,
		Int,
		String,
		Choice // an int
	};

	constexpr Variable(bool *variable) : type(Type::Bool), of_bool(variable) {}
	constexpr Variable(int *variable) : type(Type::Int), of_int(variable) {}
	constexpr Variable(char **variable) : type(Type::String), of_string(variable) {}
	constexpr Variable(Type type, int *variable) : type(type), of_int(variable) {}

	Type type;
	union {
		bool *of_bool;
		int *of_int;
		char **of_string;
	};
};

struct Bounds
{
	const char *min_value = nullptr;
	const char *max_value = nullptr; // null: INT_MAX
};

struct Setting
{
	const char *name; // without "bigbrotr."
	const char *meaning;
	Variable variable;
	/* Values as a user writes them, with a unit: "on", "5min", "64MB". */
	const char *boot_value;
	Bounds bounds = {}; // of an int
	int flags = 0;      // unit of the variable, GUC_LIST_INPUT, GUC_SUPERUSER_ONLY
	GucContext context = PGC_SIGHUP;
	GucStringCheckHook check = nullptr;
	const config_enum_entry *choices = nullptr; // of a choice; the last element has no name
};

constexpr Setting
setting(const char *name, Variable variable, const char *boot_value, const char *meaning, int flags,
		GucContext context)
{
	return {.name = name,
			.meaning = meaning,
			.variable = variable,
			.boot_value = boot_value,
			.flags = flags,
			.context = context};
}

constexpr Setting
boolean(const char *name, bool *variable, const char *boot_value, const char *meaning,
		int flags = 0, GucContext context = PGC_SIGHUP)
{
	return setting(name, variable, boot_value, meaning, flags, context);
}

constexpr Setting
integer(const char *name, int *variable, const char *boot_value, Bounds bounds, const char *meaning,
		int flags = 0, GucContext context = PGC_SIGHUP)
{
	Setting made = setting(name, variable, boot_value, meaning, flags, context);
	made.bounds = bounds;
	return made;
}

constexpr Setting
string(const char *name, char **variable, const char *boot_value, const char *meaning,
	   int flags = 0, GucStringCheckHook check = nullptr)
{
	Setting made = setting(name, variable, boot_value, meaning, flags, PGC_SIGHUP);
	made.check = check;
	return made;
}

constexpr Setting
choice(const char *name, int *variable, const char *boot_value, const config_enum_entry *choices,
	   const char *meaning, int flags = 0)
{
	Setting made =
		setting(name, {Variable::Type::Choice, variable}, boot_value, meaning, flags, PGC_SIGHUP);
	made.choices = choices;
	return made;
}

/*
 * Check hook: accepts an empty value or a path that begins with "/". If the server cannot read the
 * file, the hook only logs a warning, because with an error a starting server would use the
 * default.
 */
bool check_file_path(char **value, void **, GucSource);

void define_settings(std::span<const Setting> settings);

} // namespace pg
