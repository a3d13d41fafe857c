/* Variables of the publisher's settings (entry.cpp). */
#pragma once

struct PublisherSettings
{
	char *relays;            // bigbrotr.publish_relays
	char *name;              // bigbrotr.publish_name
	char *alert_secret_file; // bigbrotr.alert_secret_file
};

extern PublisherSettings publisher_settings;
