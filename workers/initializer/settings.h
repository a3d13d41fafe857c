/* Variables of the initializer's settings (entry.cpp). */
#pragma once

struct InitializerSettings
{
	char *seed_file;     // bigbrotr.seed_file; empty: the list that is shipped
	char *priority_file; // bigbrotr.priority_file; empty: none
};

extern InitializerSettings initializer_settings;
