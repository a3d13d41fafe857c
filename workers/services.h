/*
 * The services that exist. Each name has a folder workers/<name>/ with
 *   entry.cpp    constinit const pg::ServiceEntry <name>_entry
 *   <name>.cpp   std::unique_ptr<pg::Service> make_<name>()
 */
#pragma once

#define BIGBROTR_SERVICES(SERVICE)                                                                 \
	SERVICE(initializer)                                                                           \
	SERVICE(synchronizer)                                                                          \
	SERVICE(priority_synchronizer)                                                                 \
	SERVICE(refresher)                                                                             \
	SERVICE(finder)                                                                                \
	SERVICE(monitor)                                                                               \
	SERVICE(publisher)                                                                             \
	SERVICE(api)                                                                                   \
	SERVICE(dvm)
