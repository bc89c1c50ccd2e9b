# FetchMedia. `make help` lists what can be made.
MODE ?= release
B := build/$(MODE)
VERSION := $(shell sed -n '1s/^## //p' CHANGELOG.md 2>/dev/null | cut -d' ' -f1)
PREFIX ?= /usr/local
PG_BIN := /usr/lib/postgresql/15/bin

CC := gcc
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
    -Wvla -Wformat=2 -Wundef -Wcast-qual -Werror
HARDENING := -ftrivial-auto-var-init=zero -fstack-protector-strong -fstack-clash-protection \
    -fcf-protection -fPIE
LINKING := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
ifeq ($(MODE),release)
  OPTIMISE := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
else ifeq ($(MODE),asan)
  OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -DFM_SANITIZED
  LINKING += -fsanitize=address,undefined
else ifeq ($(MODE),tsan)
  OPTIMISE := -O1 -g -fno-omit-frame-pointer -fsanitize=thread -DFM_SANITIZED
  LINKING += -fsanitize=thread
else
  $(error MODE is release, asan or tsan)
endif
CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -I$(B) -DFM_VERSION='"$(or $(VERSION),0.1.0)"' \
    $(OPTIMISE) $(WARNINGS) $(HARDENING) -pthread

# Rooms. Each is a folder and an archive; a program links only the rooms and packages it may.
ROOMS := common proto sql broker worker worker/transfer worker/media cli
PACKAGES_common := libcurl jansson libsodium
PACKAGES_proto := msgpack
PACKAGES_sql :=
PACKAGES_broker := libmicrohttpd libpq libczmq libzmq jansson libsodium libcurl
PACKAGES_worker := libczmq libzmq
PACKAGES_worker/transfer := libcurl jansson libsodium
PACKAGES_worker/media := libavformat libavcodec libavfilter libavutil libswscale libswresample libseccomp
PACKAGES_cli := libcurl jansson libsodium

PROGRAMS := fetchmedia-broker fetchmedia-worker fetchmedia-transfer fetchmedia-media fetchmedia
ROOM_fetchmedia-broker := broker
ROOM_fetchmedia-worker := worker
ROOM_fetchmedia-transfer := worker/transfer
ROOM_fetchmedia-media := worker/media
ROOM_fetchmedia := cli
LIBS_fetchmedia-broker := sql proto common
LIBS_fetchmedia-worker := proto common
LIBS_fetchmedia-transfer := proto common
LIBS_fetchmedia-media := proto common
LIBS_fetchmedia := common
NEEDS_fetchmedia-broker := libmicrohttpd libpq libczmq libzmq msgpack jansson libsodium libcurl
NEEDS_fetchmedia-worker := libczmq libzmq msgpack libsodium
NEEDS_fetchmedia-transfer := libcurl msgpack jansson libsodium
NEEDS_fetchmedia-media := $(PACKAGES_worker/media) msgpack
NEEDS_fetchmedia := libcurl jansson libsodium

sources = $(wildcard $(1)/*.c)
objects = $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(call sources,$(1))))
archive = $(B)/lib/$(subst /,-,$(1)).a

.PHONY: all
all: $(PROGRAMS:%=$(B)/bin/%) $(B)/bin/clip ## build every program into build/bin/
ifeq ($(MODE),release)
	@mkdir -p build && ln -sfn $(MODE)/bin build/bin
endif

define room_rules
$(call archive,$(1)): $(call objects,$(1)) $(EXTRA_$(1))
	@mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$^
$(B)/$(1)/%.o: $(1)/%.c
	@mkdir -p $$(@D) && echo "  CC    $$<"
	@$(CC) $(CFLAGS) $$(shell pkg-config --cflags $(PACKAGES_$(1)) 2>/dev/null) -MMD -MP -c $$< -o $$@
endef
EXTRA_sql := $(B)/sql/embedded.o
$(foreach room,$(ROOMS),$(eval $(call room_rules,$(room))))

# Every statement and migration, embedded as text; queries.h declares them.
STATEMENTS := sql/queue_audit.sql $(sort $(wildcard sql/queries/*.sql)) $(sort $(wildcard sql/migrations/*.sql))
$(B)/sql/embedded.c: sql/embed.awk $(STATEMENTS)
	@mkdir -p $(@D) && echo "  EMBED $@"
	@awk -f sql/embed.awk $(STATEMENTS) > $@
$(B)/sql/queries.h: sql/embed.awk $(STATEMENTS)
	@mkdir -p $(@D) && echo "  EMBED $@"
	@awk -v header=1 -f sql/embed.awk $(STATEMENTS) > $@
$(B)/sql/embedded.o: $(B)/sql/embedded.c $(B)/sql/queries.h
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
$(call objects,broker) $(B)/broker/main.o: | $(B)/sql/queries.h

define program_rules
$(B)/bin/$(1): $(B)/$(ROOM_$(1))/main.o $(call archive,$(ROOM_$(1))) $(foreach l,$(LIBS_$(1)),$(call archive,$(l)))
	@mkdir -p $$(@D) && echo "  LINK  $$@"
	@$(CC) $(LINKING) -pthread $$^ $$(shell pkg-config --libs $(NEEDS_$(1))) -lm -o $$@
endef
$(foreach program,$(PROGRAMS),$(eval $(call program_rules,$(program))))

# The clip the quickstart and the tests fetch: a small libav program.
$(B)/bin/clip: tests/clip/clip.c
	@mkdir -p $(@D) && echo "  LINK  $@"
	@$(CC) $(CFLAGS) $(LINKING) $< $(shell pkg-config --cflags --libs libavformat libavcodec libavutil libswscale 2>/dev/null) -lm -o $@

# Unit tests: tests/unit/ROOM/test_x.c links ROOM's archive and those below it.
UNITS := $(wildcard tests/unit/*/test_*.c)
unit_name = $(B)/tests/$(subst /,-,$(patsubst tests/unit/%.c,%,$(1)))
unit_room = $(if $(findstring /transfer/,$(1)),worker/transfer,$(if $(findstring /media/,$(1)),worker/media,$(word 3,$(subst /, ,$(1)))))
UNIT_LIBS_common := common
UNIT_LIBS_proto := proto common
UNIT_LIBS_broker := broker sql proto common
UNIT_LIBS_worker := worker proto common
UNIT_LIBS_worker/transfer := worker/transfer proto common
UNIT_LIBS_worker/media := worker/media proto common
UNIT_LIBS_cli := cli common
UNIT_NEEDS_common := libcurl jansson libsodium
UNIT_NEEDS_proto := msgpack libcurl jansson libsodium
UNIT_NEEDS_broker := $(NEEDS_fetchmedia-broker)
UNIT_NEEDS_worker := $(NEEDS_fetchmedia-worker)
UNIT_NEEDS_worker/transfer := $(NEEDS_fetchmedia-transfer)
UNIT_NEEDS_worker/media := $(NEEDS_fetchmedia-media)
UNIT_NEEDS_cli := $(NEEDS_fetchmedia)
define unit_rules
$(call unit_name,$(1)): $(1) $(foreach l,$(UNIT_LIBS_$(call unit_room,$(1))),$(call archive,$(l)))
	@mkdir -p $$(@D) && echo "  TEST  $$@"
	@$(CC) $(CFLAGS) $(LINKING) $$(shell pkg-config --cflags cmocka $(UNIT_NEEDS_$(call unit_room,$(1))) 2>/dev/null) -MMD -MP -MF $$@.d $$< $$(filter %.a,$$^) \
	    $$(shell pkg-config --libs cmocka $(UNIT_NEEDS_$(call unit_room,$(1)))) -lm -o $$@
endef
$(foreach unit,$(UNITS),$(eval $(call unit_rules,$(unit))))

.PHONY: units
units: $(foreach unit,$(UNITS),$(call unit_name,$(unit))) | $(B)/bin/fetchmedia-transfer $(B)/bin/fetchmedia-media ## build and run the unit tests
	@for t in $^; do FM_BIN_DIR=$(B)/bin $$t || exit 1; done

# Integration: tests/integration/test_x.c links the broker's rooms and a private PostgreSQL.
INTEGRATIONS := $(wildcard tests/integration/test_*.c)
integration_name = $(patsubst tests/%.c,$(B)/tests/%,$(1))
define integration_rules
$(call integration_name,$(1)): $(1) $(filter-out $(INTEGRATIONS),$(wildcard tests/integration/*.c)) $(foreach l,$(UNIT_LIBS_broker),$(call archive,$(l)))
	@mkdir -p $$(@D) && echo "  TEST  $$@"
	@$(CC) $(CFLAGS) $(LINKING) -DFM_PG_BIN='"$(PG_BIN)"' $$(shell pkg-config --cflags cmocka $(UNIT_NEEDS_broker) 2>/dev/null) -MMD -MP -MF $$@.d \
	    $$(filter %.c %.a,$$^) $$(shell pkg-config --libs cmocka $(UNIT_NEEDS_broker)) -lm -o $$@
endef
$(foreach test,$(INTEGRATIONS),$(eval $(call integration_rules,$(test))))

.PHONY: integration
integration: $(foreach test,$(INTEGRATIONS),$(call integration_name,$(test))) ## run the tests against a private PostgreSQL
	@for t in $^; do $$t || exit 1; done

.PHONY: deps quickstart check lint install clean help
deps: ## install the Debian packages that are missing
	@sh deploy/deps.sh build

help: ## show this
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

clean: ## remove what was built
	@rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
