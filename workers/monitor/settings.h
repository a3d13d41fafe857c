/* Variables of the monitor's settings (entry.cpp). */
#pragma once

struct MonitorSettings
{
	int retention_s;      // bigbrotr.monitor_retention; 0: for ever
	bool write_check;     // bigbrotr.monitor_write_check
	char *geoip_database; // bigbrotr.geoip_database
};

extern MonitorSettings monitor_settings;
