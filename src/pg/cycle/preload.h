/*
 * The extension has two libraries. bigbrotr.so is for shared_preload_libraries: settings, shared
 * memory, launcher and utility hook. It needs only the C library, so that an upgrade of the
 * operating system cannot keep the server from starting. bigbrotr_core.so is the rest: SQL
 * functions and workers. It needs bigbrotr.so, which the dynamic linker finds in memory or in the
 * same directory.
 */
#pragma once

#include "pg/cycle/settings.h"

struct BackgroundWorker;

namespace pg {

/* The build of the preload library in memory. */
extern const char preloaded_build[];

/* The directory of the preload library. */
const char *module_directory();

/* Sets the function that the background worker runs. Names the library, "bigbrotr" or
 * "bigbrotr_core", by its path, because its directory may not be in dynamic_library_path. */
void set_main(BackgroundWorker &worker, const char *library, const char *function);

/* Whether the core library on disk is of another build than this library. A worker that loads such
 * a library fails before it can say why in its slot. False if there is no such file, which the
 * start of a worker reports. */
bool core_is_replaced();

} // namespace pg
