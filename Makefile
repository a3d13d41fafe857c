# PGXS build: the two libraries, the net process, the SQL scripts.
#   make && make install && make installcheck     (PG_CONFIG=… for another server)

EXTENSION = bigbrotr
# The version of the schema, which changes with the install script, and that of the libraries and programs.
SCHEMA_VERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" bigbrotr.control)
LIBRARY_VERSION := $(shell sed -n 's/^\t"version": "\(.*\)",/\1/p' META.json)
# The library with the SQL functions and the workers, and the small one for shared_preload_libraries.
MODULE_big = bigbrotr_core
PRELOAD = bigbrotr.so
NET = bigbrotr-net
IMPORT = bigbrotr-import
EXPORT = bigbrotr-export

SCRIPT = $(EXTENSION)--$(SCHEMA_VERSION).sql
# The parts of the install script, in the order in which they depend on each other.
PARTS = roles tags tables services relays alerts life_cycle history monitor archive statistics nostr visibility blocks filters coverage sync_filters retention priority answers audits leases sync clock reconcile progress observatory explain checks insert deletions import finder sources candidates publish opinions metric_names metrics api_events api_req api_relays api_overviews api_drop_ins places api_rstate api_rstate_groups api_rstate_more api_badges api_routes api_keys openapi dvm dvm_answers comments grants welcome
SCRIPT_PARTS = $(PARTS:%=sql/install/%.sql)

# What upgrades the version before to this one: from HEAD and the same parts (sql/upgrade/write_script).
UPGRADE_HEAD = $(wildcard sql/upgrade/bigbrotr--*--$(SCHEMA_VERSION).head.sql)
UPGRADE = $(notdir $(UPGRADE_HEAD:.head.sql=.sql))

DATA_built = $(SCRIPT) $(UPGRADE)
DATA = $(filter-out %.head.sql,$(wildcard sql/upgrade/bigbrotr--*.sql))

CORE_OBJS := $(patsubst %.cpp,%.o,$(sort $(wildcard src/nostr/*.cpp src/wire/*.cpp)))
PRELOAD_OBJS := $(patsubst %.cpp,%.o,src/pg/preload.cpp src/pg/border/catalog.cpp $(sort $(wildcard src/pg/border/setting*.cpp src/pg/cycle/*.cpp) \
	workers/registry.cpp $(wildcard workers/*/entry.cpp)))
OBJS = $(CORE_OBJS) $(filter-out $(PRELOAD_OBJS),$(patsubst %.cpp,%.o,$(sort $(wildcard src/pg/*.cpp src/pg/*/*.cpp src/archive/*.cpp workers/*.cpp workers/*/*.cpp))))
NET_OBJS = $(CORE_OBJS) $(patsubst %.cpp,%.o,$(sort $(wildcard src/net/*.cpp src/net/*/*.cpp)))

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --encoding=UTF8 --no-locale --temp-config=test/regress.conf
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = $(REGRESS_OPTS) --inputdir=test/isolation
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

PG_CONFIG ?= pg_config
# Optimised C++20; -Wno-register: PostgreSQL 14 and 15 headers; -Wshadow=compatible-local: as 16 and newer set it; no bitcode: clang
# would build it as C++14.
PG_CPPFLAGS = -I$(srcdir)/src -I$(srcdir) -DBIGBROTR_VERSION='"$(LIBRARY_VERSION)"' -DBIGBROTR_SCHEMA='"$(SCHEMA_VERSION)"'
PG_CXXFLAGS = -std=gnu++20 -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Wshadow=compatible-local -Wno-register -Wno-unused-parameter \
	-Wno-missing-field-initializers $(if $(WERROR),-Werror) $(if $(ASSERTS),-DUSE_ASSERT_CHECKING)
SHLIB_LINK = -L. -l:$(PRELOAD) -Wl,-rpath,'$$ORIGIN' -lsecp256k1 -lcrypto -lsimdjson -lidn2 -lpsl -lstdc++
SHLIB_EXPORTS = exports.txt
NET_LIBS = -lwebsockets -lcares -lseccomp -lmaxminddb -ljansson -lz -lssl -lcrypto -lsecp256k1 -lsimdjson -lidn2 -lpthread

ALL_OBJS = $(sort $(OBJS) $(PRELOAD_OBJS) $(NET_OBJS) src/client/import.o)
EXTRA_CLEAN = $(PRELOAD) $(NET) $(IMPORT) $(ALL_OBJS) $(ALL_OBJS:.o=.d) $(SCRIPT) $(UPGRADE)

all: $(NET) $(IMPORT)

PGXS := $(shell $(PG_CONFIG) --pgxs)
override with_llvm := no
include $(PGXS)

$(SCRIPT): $(SCRIPT_PARTS) bigbrotr.control
	{ printf '%s\n' '\echo Use "CREATE EXTENSION bigbrotr" to load this file. \quit'; cat $(SCRIPT_PARTS); } > $@

$(UPGRADE): $(UPGRADE_HEAD) $(SCRIPT_PARTS) sql/upgrade/write_script
	sql/upgrade/write_script $(UPGRADE_HEAD) $(SCRIPT_PARTS) > $@

# Parts of two builds that would misunderstand each other refuse each other: the two libraries, which share memory,
# and worker and net process, which exchange messages.
BUILD_FILES := $(sort $(wildcard src/wire/*.h src/wire/*.cpp src/pg/cycle/*.h src/pg/border/setting*.h))
src/wire/link.o src/pg/preload.o: override CPPFLAGS += \
	-DBIGBROTR_BUILD='"$(LIBRARY_VERSION)-$(shell cat $(BUILD_FILES) | cksum | cut -d ' ' -f 1)"'
src/wire/link.o src/pg/preload.o: $(BUILD_FILES)
# Those that name a version.
src/wire/link.o src/pg/preload.o src/pg/border/catalog.o src/pg/sql/service_functions.o src/pg/work/worker.o: \
	META.json bigbrotr.control Makefile
-include $(ALL_OBJS:.o=.d)
override CXXFLAGS += -MMD -MP

# The postmaster loads it: nothing in it throws or needs more than the C library (test/check_symbols).
$(PRELOAD_OBJS): override CXXFLAGS += -fvisibility=default -fno-threadsafe-statics
$(PRELOAD): $(PRELOAD_OBJS) preload.map
	$(CC) -shared -Wl,-soname,$@ -Wl,--version-script=preload.map $(PRELOAD_OBJS) $(LDFLAGS) -Wl,--as-needed -o $@
$(shlib): $(PRELOAD)
$(PRELOAD_OBJS): Makefile

# The page is part of the net process.
WEB = src/net/serve/web
src/net/serve/web_files.o: override CPPFLAGS += -DBIGBROTR_WEB='"$(srcdir)/$(WEB)"'
src/net/serve/web_files.o: $(wildcard $(WEB)/*) Makefile

$(NET): $(NET_OBJS)
	$(CXX) $(CXXFLAGS) $(NET_OBJS) $(LDFLAGS) $(NET_LIBS) -o $@

src/client/import.o: override CPPFLAGS += -I$(includedir)
$(IMPORT): src/client/import.o
	$(CXX) $(CXXFLAGS) $< $(LDFLAGS) $(libpq) -o $@

# Beside what PGXS installs: the preload library, the net process, the client programs and the seed list.
install: install-own
install-own: $(PRELOAD) $(NET) $(IMPORT) installdirs
	$(INSTALL_SHLIB) $(PRELOAD) '$(DESTDIR)$(pkglibdir)/$(PRELOAD)'
	$(INSTALL_PROGRAM) $(NET) '$(DESTDIR)$(pkglibdir)/$(NET)'
	$(MKDIR_P) '$(DESTDIR)$(bindir)' '$(DESTDIR)$(datadir)/bigbrotr'
	$(INSTALL_PROGRAM) $(IMPORT) '$(DESTDIR)$(bindir)/$(IMPORT)'
	$(INSTALL_SCRIPT) $(srcdir)/src/client/$(EXPORT) '$(DESTDIR)$(bindir)/$(EXPORT)'
	$(INSTALL_DATA) $(srcdir)/seed/relays.txt '$(DESTDIR)$(datadir)/bigbrotr/relays.txt'
uninstall: uninstall-own
uninstall-own:
	rm -f '$(DESTDIR)$(pkglibdir)/$(PRELOAD)' '$(DESTDIR)$(pkglibdir)/$(NET)' \
		'$(DESTDIR)$(bindir)/$(IMPORT)' '$(DESTDIR)$(bindir)/$(EXPORT)'
	rm -rf '$(DESTDIR)$(datadir)/bigbrotr'
.PHONY: install-own uninstall-own
