/*
 * C functions under the names that the schema of 0.1.0 uses. Between the upgrade of the library and
 * ALTER EXTENSION UPDATE, that schema still works. Functions that need tables or functions of the
 * new schema raise an error (pg::require_schema).
 */
#include "pg/border/compat.h"

#define FORMER_NAME(former, now)                                                                   \
	extern "C" Datum now(PG_FUNCTION_ARGS);                                                        \
	SQL_FUNCTION(former)                                                                           \
	{                                                                                              \
		return now(fcinfo);                                                                        \
	}

FORMER_NAME(bigbrotr_insert_events, bigbrotr_insert_verified_events)
FORMER_NAME(bigbrotr_is_standing, bigbrotr_is_visible)
FORMER_NAME(bigbrotr_service_start, bigbrotr_start_service)
FORMER_NAME(bigbrotr_service_stop, bigbrotr_stop_service)
FORMER_NAME(bigbrotr_service_restart, bigbrotr_restart_service)
FORMER_NAME(bigbrotr_service_pause, bigbrotr_pause_service)
FORMER_NAME(bigbrotr_service_resume, bigbrotr_resume_service)
FORMER_NAME(bigbrotr_service_wait, bigbrotr_wait_for_service)
FORMER_NAME(bigbrotr_stop_workers, bigbrotr_stop_services)
FORMER_NAME(bigbrotr_start_workers, bigbrotr_start_services)
