/* Variables of the initializer's settings (entry.cpp). */
#pragma once

struct InitializerSettings
{
	char *seed_file;     // bigbrotr.seed_file: empty: the shipped list
	char *priority_file; // bigbrotr.priority_file: empty: none
};

extern InitializerSettings initializer_settings;
