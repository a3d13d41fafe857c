/* Variables of the finder's settings (entry.cpp). */
#pragma once

struct FinderSettings
{
	int min_authors;      // bigbrotr.finder_min_authors
	int relays_per_site;  // bigbrotr.finder_relays_per_site
	int names_per_author; // bigbrotr.finder_names_per_author
	int names_per_site;   // bigbrotr.finder_names_per_site
};

extern FinderSettings finder_settings;
