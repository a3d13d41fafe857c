/* Variables of the monitor's settings (entry.cpp). */
#pragma once

struct MonitorSettings
{
	int retention_s; // bigbrotr.monitor_retention; 0: for ever
};

extern MonitorSettings monitor_settings;
