# FetchMedia. `make help` lists what can be made.
MODE ?= release
B := build/$(MODE)
VERSION := $(shell sed -n '1s/^## //p' CHANGELOG.md 2>/dev/null | cut -d' ' -f1)
PREFIX ?= /usr/local
JOBS := $(shell nproc)

# make itself presets CC to `cc`. Any other value comes from the user.
ifeq ($(origin CC),default)
  CC := gcc
endif
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
    -Wvla -Wformat=2 -Wundef -Wcast-qual -Werror
# Hardening that not every compiler has for every machine: what this compiler accepts. clang before 16
# zeroes uninitialised variables only together with the long flag.
accepted = $(shell $(CC) -Werror $(1) -S -x c /dev/null -o /dev/null 2>/dev/null && echo "$(1)")
ZERO := -ftrivial-auto-var-init=zero
ZERO_CLANG_14 := $(ZERO) -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang
HARDENING := -fPIE -fstack-protector-strong $(call accepted,-fstack-clash-protection) \
    $(call accepted,-fcf-protection) $(or $(call accepted,$(ZERO)),$(call accepted,$(ZERO_CLANG_14)))
LINKING := -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
SANITIZED := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -DFM_SANITIZED
ifeq ($(MODE),release)
  OPTIMISE := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
else ifeq ($(MODE),asan)
  OPTIMISE := $(SANITIZED) -fsanitize=address,undefined
  LINKING += -fsanitize=address,undefined
else ifeq ($(MODE),tsan)
  OPTIMISE := $(SANITIZED) -fsanitize=thread
  LINKING += -fsanitize=thread
else ifeq ($(MODE),faults)
  OPTIMISE := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -DFM_FAULTS
else ifeq ($(MODE),fuzz)
  ifeq ($(findstring clang,$(CC)),)
    override CC := clang
  endif
  WARNINGS := -w
  HARDENING := -fPIE
  OPTIMISE := $(SANITIZED) -fsanitize=address,undefined,fuzzer-no-link
  LINKING += -fsanitize=address,undefined
else
  $(error MODE is release, asan, tsan, faults or fuzz)
endif
CFLAGS := -std=gnu17 -D_GNU_SOURCE -I. -I$(B) -DFM_VERSION='"$(or $(VERSION),0.1.0)"' \
    $(OPTIMISE) $(WARNINGS) $(HARDENING) -pthread

# Holds the compiler and the flags: all objects depend on it.
COMPILED := $(B)/compiled-with

# Rooms. Each is a folder and an archive. This is the only list of them, top first: a room may include
# itself and the rooms of its BELOW, which all stand further down in ROOMS. Lint reads both lists here,
# and CONTRIBUTING.md draws them. NEEDS lists the libraries that a program built on the room links; it
# links no others, which keeps libav and libcurl out of the daemons.
ROOMS := broker broker/operator broker/api broker/request broker/account broker/spec broker/queue \
    broker/store broker/db broker/http broker/metrics broker/config \
    worker worker/transfer worker/media cli sql proto common
BELOW_broker := $(filter broker/%,$(ROOMS)) sql proto common
NEEDS_broker := libmicrohttpd libpq libczmq libzmq msgpack jansson libsodium libcurl
BELOW_broker/operator = broker/api $(BELOW_broker/api)
BELOW_broker/api = broker/request $(BELOW_broker/request)
BELOW_broker/request = broker/account broker/spec broker/queue broker/http $(BELOW_broker/queue)
BELOW_broker/account = broker/queue $(BELOW_broker/queue)
BELOW_broker/spec := proto common
BELOW_broker/queue = broker/store broker/db broker/metrics broker/config sql proto common
BELOW_broker/store := broker/config common
BELOW_broker/db := broker/metrics sql proto common
BELOW_broker/http := common
BELOW_broker/metrics := common
BELOW_broker/config := common
$(foreach room,$(filter broker/%,$(ROOMS)),$(eval NEEDS_$(room) := $(NEEDS_broker)))
BELOW_worker := proto common
NEEDS_worker := libczmq libzmq msgpack libsodium
BELOW_worker/transfer := proto common
NEEDS_worker/transfer := libcurl msgpack jansson libsodium
BELOW_worker/media := proto common
NEEDS_worker/media := libavformat libavcodec libavfilter libavutil libswscale libswresample \
    libseccomp msgpack
BELOW_cli := common
NEEDS_cli := libcurl jansson libsodium
BELOW_proto := common
NEEDS_proto := msgpack libcurl jansson libsodium
NEEDS_common := libcurl jansson libsodium

PROGRAMS := fetchmedia-broker fetchmedia-worker fetchmedia-transfer fetchmedia-media fetchmedia
ROOM_fetchmedia-broker := broker
ROOM_fetchmedia-worker := worker
ROOM_fetchmedia-transfer := worker/transfer
ROOM_fetchmedia-media := worker/media
ROOM_fetchmedia := cli

objects = $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))
archive = $(B)/lib/$(subst /,-,$(1)).a
archives = $(foreach room,$(1) $(BELOW_$(1)),$(call archive,$(room)))
# Expanded when a recipe runs, so that a make that has just installed the libraries finds them.
cflags = $(shell pkg-config --cflags $(packages))
libs = $(shell pkg-config --libs $(packages)) -lm
# The library is `msgpack` up to msgpack-c 4 (Debian 12) and `msgpack-c` from 5 on (Debian 13).
packages = $(1:msgpack=$(shell pkg-config --exists msgpack-c && echo msgpack-c || echo msgpack))

.PHONY: all programs
all: programs $(B)/bin/clip ## build every program into build/bin/
ifeq ($(B),build/release)
	@ln -sfn release/bin build/bin
endif
programs: $(PROGRAMS:%=$(B)/bin/%)

# Written when the compiler or a flag is another one than last time; ccache changes nothing.
.PHONY: FORCE
$(COMPILED): export COMPILED_WITH = $(filter-out ccache,$(CC)) $(CFLAGS)
$(COMPILED): FORCE
	@mkdir -p $(@D)
	@echo "$$COMPILED_WITH" | cmp -s - $@ || echo "$$COMPILED_WITH" > $@

define room_rules
$(call archive,$(1)): $(call objects,$(1)) $(EXTRA_$(1)) $(call archive,$(1)).list
	@mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
# Written when a file came or went: an archive must not keep the object of a file that is gone.
$(call archive,$(1)).list: FORCE
	@mkdir -p $$(@D)
	@echo '$(call objects,$(1))' | cmp -s - $$@ || echo '$(call objects,$(1))' > $$@
$(B)/$(1)/%.o: $(1)/%.c $(COMPILED)
	@mkdir -p $$(@D) && echo "  CC    $$<"
	@$(CC) $(CFLAGS) $$(call cflags,$(NEEDS_$(1))) -MMD -MP -c $$< -o $$@
endef
EXTRA_sql := $(B)/sql/embedded.o
$(foreach room,$(ROOMS),$(eval $(call room_rules,$(room))))

# Every statement and migration, embedded as text; queries.h declares them.
STATEMENTS := sql/queue_audit.sql $(sort $(wildcard sql/queries/*.sql)) $(sort $(wildcard sql/migrations/*.sql))
$(B)/sql/statements.list: FORCE # written when a file came, went or was renamed
	@mkdir -p $(@D)
	@echo '$(STATEMENTS)' | cmp -s - $@ || echo '$(STATEMENTS)' > $@
$(B)/sql/embedded.c: sql/embed.awk $(STATEMENTS) $(B)/sql/statements.list
	@mkdir -p $(@D) && echo "  EMBED $@"
	@awk -f sql/embed.awk $(STATEMENTS) > $@
$(B)/sql/queries.h: sql/embed.awk $(STATEMENTS) $(B)/sql/statements.list
	@mkdir -p $(@D) && echo "  EMBED $@"
	@awk -v header=1 -f sql/embed.awk $(STATEMENTS) > $@
$(B)/sql/embedded.o: $(B)/sql/embedded.c $(B)/sql/queries.h $(COMPILED)
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
$(foreach room,$(filter broker%,$(ROOMS)),$(call objects,$(room))) $(B)/broker/main.o: | $(B)/sql/queries.h

define program_rules
$(B)/bin/$(1): $(B)/$(ROOM_$(1))/main.o $(call archives,$(ROOM_$(1)))
	@mkdir -p $$(@D) && echo "  LINK  $$@"
	@$(CC) $(LINKING) $$^ $$(call libs,$(NEEDS_$(ROOM_$(1)))) -o $$@
endef
$(foreach program,$(PROGRAMS),$(eval $(call program_rules,$(program))))

# ---- tests ----

# One test program: its name below $(B), its sources, the room it is built on, more libraries, flags.
define test_rules
$(B)/$(strip $(1)): $(2) $(call archives,$(strip $(3))) $(COMPILED)
	@mkdir -p $$(@D) && echo "  TEST  $$@"
	@$(CC) $(CFLAGS) $(5) $(LINKING) $$(call cflags,$(4) $(NEEDS_$(strip $(3)))) -MMD -MP -MF $$@.d \
	    $$(filter %.c %.a,$$^) $$(call libs,$(4) $(NEEDS_$(strip $(3)))) -o $$@
endef

# tests/unit/FOLDER/test_x.c and tests/fuzz/FOLDER/fuzz_x.c are built on the room of that name: `media`
# is enough for worker/media.
room_of = $(or $(firstword $(filter $(1) %/$(1),$(ROOMS))),$(error no room is called $(1)))
folder_of = $(patsubst %/,%,$(dir $(1)))
UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))
unit_program = tests/$(subst /,-,$(1))
$(foreach unit,$(UNITS),$(eval $(call test_rules,$(call unit_program,$(unit)),\
    tests/unit/$(unit).c,$(call room_of,$(call folder_of,$(unit))),cmocka)))

# tests/integration/test_x.c is built on the broker's rooms and starts a private PostgreSQL.
PG_BIN := $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin)))
INTEGRATIONS := $(patsubst tests/%.c,%,$(wildcard tests/integration/test_*.c))
$(foreach test,$(INTEGRATIONS),$(eval $(call test_rules,tests/$(test),\
    tests/$(test).c tests/integration/postgres.c tests/integration/world.c,broker,cmocka,\
    -DFM_PG_BIN='"$(PG_BIN)"')))

# tests/fuzz/FOLDER/fuzz_x.c is a target for libFuzzer. Without libFuzzer, replay.c feeds it the inputs
# kept in corpus/x.
FUZZ_MAIN := tests/fuzz/replay.c
ifeq ($(MODE),fuzz)
  FUZZ_MAIN :=
  FUZZ_FLAGS := -fsanitize=fuzzer
endif
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*/fuzz_*.c tests/fuzz/*/*/fuzz_*.c))
FUZZES := $(sort $(patsubst fuzz_%,%,$(notdir $(FUZZ_TARGETS))))
$(foreach target,$(FUZZ_TARGETS),$(eval $(call test_rules,tests/$(notdir $(target)),\
    tests/fuzz/$(target).c $(FUZZ_MAIN),$(call room_of,$(call folder_of,$(target))),,$(FUZZ_FLAGS))))

# Seeds of the fuzzers made from the tables: run `make seeds` after a row was added to one.
$(eval $(call test_rules,tests/seeds,tests/fuzz/seeds.c,proto))
.PHONY: seeds
seeds: $(B)/tests/seeds # writes tests/fuzz/corpus/message and spec
	@$< tests/fuzz/corpus/message tests/fuzz/corpus/spec

UNIT_PROGRAMS := $(foreach unit,$(UNITS),$(B)/$(call unit_program,$(unit)))
INTEGRATION_PROGRAMS := $(INTEGRATIONS:%=$(B)/tests/%)
FUZZ_PROGRAMS := $(FUZZES:%=$(B)/tests/fuzz_%)

.PHONY: tests units integration fuzz e2e check
tests: $(UNIT_PROGRAMS) $(INTEGRATION_PROGRAMS) $(FUZZ_PROGRAMS) # built, not run
units: $(UNIT_PROGRAMS) | programs ## build and run the unit tests
	@FM_BIN_DIR=$(B)/bin sh tests/run.sh $(UNIT_PROGRAMS)
integration: $(INTEGRATION_PROGRAMS) ## run the tests against a private PostgreSQL
	@sh tests/run.sh $(INTEGRATION_PROGRAMS)
fuzz: $(FUZZ_PROGRAMS) ## replay the inputs kept for the fuzzers
	@for name in $(FUZZES); do $(B)/tests/fuzz_$$name tests/fuzz/corpus/$$name || exit 1; done
e2e: all ## run the stories on the real processes
	@PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider tests/e2e $(PYTEST)

# ---- measurements: tests/bench ----

$(eval $(call test_rules,bench/client,tests/bench/client.c,common))
$(eval $(call test_rules,bench/noop,tests/bench/noop.c,worker))
$(eval $(call test_rules,bench/link_broker,tests/bench/link_broker.c,broker))
$(eval $(call test_rules,bench/link_worker,tests/bench/link_worker.c,worker))
PEERS := build/peers/node_modules/.package-lock.json
$(PEERS): $(wildcard tests/bench/peers/*)
	@command -v npm >/dev/null || { echo "bench-queue needs npm: apt-get install npm" >&2; exit 1; }
	@mkdir -p build/peers && cp $^ build/peers && echo "  NPM   build/peers"
	@cd build/peers && npm install --silent --no-audit --no-fund && touch node_modules/.package-lock.json

.PHONY: benches bench-queue bench-poll bench-link bench-pairs
BENCHES := programs $(addprefix $(B)/bench/,client noop link_broker link_worker)
benches: $(BENCHES) # built, not run
BENCH = FM_BIN_DIR=$(B)/bin FM_BENCH_DIR=$(B)/bench PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/bench
bench-queue: $(BENCHES) $(PEERS) ## measure the queue beside graphile-worker
	@$(BENCH)/bench_queue.py $(ONLY)
bench-poll: $(BENCHES) ## measure ten thousand long polls
	@$(BENCH)/bench_poll.py
bench-link: $(BENCHES) ## measure the link between broker and worker
	@$(BENCH)/bench_link.py $(ROUNDS)
bench-pairs: $(BENCHES) ## compare another build, BEFORE=DIR, with this one
	@test -n "$(BEFORE)" || { echo "bench-pairs needs BEFORE=DIR, another tree's build/release" >&2; exit 1; }
	@$(BENCH)/pairs.py $(BEFORE) $(ROUNDS) $(if $(ONLY),--only $(ONLY))
.PHONY: bench-media
bench-media: programs ## measure media beside the ffmpeg command
	@$(BENCH)/bench_media.py $(ROUNDS) --plot docs/images/bench-media.svg

# ---- everything ----

CHECKS := units integration fuzz
check: ## everything: units, integration and fuzz inputs, also sanitized, and the stories
	@sh deploy/deps.sh build && sh deploy/deps.sh check
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@$(MAKE) --no-print-directory -j1 $(CHECKS)
	@$(MAKE) --no-print-directory -j$(JOBS) MODE=asan programs tests
	@$(MAKE) --no-print-directory -j1 MODE=asan $(CHECKS)
	@$(MAKE) --no-print-directory -j1 e2e

# ---- what takes longer ----

# TSan covers every program of the stories but the media program, whose threads are libav's.
TSAN := TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp second_deadlock_stack=1 $(TSAN_MORE)"
SECONDS := 60
.PHONY: check-tsan fuzzers fuzz-run check-long
check-tsan: ## units, integration and stories under the thread sanitizer
	@$(MAKE) --no-print-directory -j$(JOBS) MODE=release B=build/release all
	@$(MAKE) --no-print-directory -j$(JOBS) MODE=tsan B=build/tsan programs tests
	@$(TSAN) $(MAKE) --no-print-directory -j1 MODE=tsan B=build/tsan units-tsan integration
	@sh tests/tsan.sh build/release/bin build/tsan $(PYTEST)
.PHONY: units-tsan
units-tsan: # as units, without the media program's
	@FM_BIN_DIR=$(B)/bin sh tests/run.sh $(filter-out $(B)/tests/media-%,$(UNIT_PROGRAMS))
fuzzers: $(FUZZ_PROGRAMS) # MODE=fuzz: build the targets with libFuzzer
fuzz-run: ## run the fuzzers (needs clang): SECONDS=1200 each, JOBS=2 at a time
	@$(MAKE) --no-print-directory -j$(JOBS) MODE=fuzz B=build/fuzz fuzzers
	@sh tests/fuzz/run.sh build/fuzz $(SECONDS) $(JOBS) $(or $(TARGETS),$(FUZZES))
check-long: ## the whole static analysis, crash points, a hundred SIGKILLs and long silences (an hour)
	@$(MAKE) --no-print-directory -k -j$(JOBS) tidy NODES=225000
	@$(MAKE) --no-print-directory -j$(JOBS) MODE=faults B=build/faults all
	@FM_BIN_DIR=build/faults/bin PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -s \
	    -p no:cacheprovider tests/long $(PYTEST)

# ---- the rest ----

.PHONY: deps quickstart docs lint install clean help
deps: ## install the Debian packages that are missing
	@sh deploy/deps.sh build

quickstart: deps ## build, start, and process a sample clip end to end (or your file: URL=https://…)
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@sh deploy/quickstart.sh

docs: programs ## generate the pages that come from tables
	@sh docs/generate.sh docs

.PHONY: print-rooms print-below
print-rooms: # for lint
	@echo '$(ROOMS)'
print-below: # for lint: room:room room;…
	@echo '$(foreach room,$(ROOMS),$(room):$(BELOW_$(room));)'

lint: ## format, layers, sizes, docs, clang-tidy, cppcheck, shellcheck
	@sh tests/lint/run.sh

# A file is checked again once it, or a file it includes, has changed. The analyzer follows at most NODES
# states of a function: a tenth of its own limit finds nearly all there is in a tenth of the time.
# `make check-long` takes the limit itself.
NODES := 20000
SOURCES := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c)) $(shell find tests -name '*.c')
LINT_FLAGS = -std=gnu17 -D_GNU_SOURCE -I. -I$(B) -DFM_VERSION='""' -DFM_PG_BIN='""' \
    $(call cflags,$(sort cmocka $(foreach room,$(ROOMS),$(NEEDS_$(room)))))
.PHONY: tidy
tidy: $(SOURCES:%.c=$(B)/lint/$(NODES)/%.tidy)
$(B)/lint/$(NODES)/%.tidy: %.c .clang-tidy | $(B)/sql/queries.h
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- $(LINT_FLAGS) -Xclang -analyzer-config -Xclang max-nodes=$(NODES) 2>/dev/null
	@$(CC) $(LINT_FLAGS) -MM -MP -MT $@ -MF $@.d $< && touch $@

install: all ## copy the programs to PREFIX/bin (/usr/local), below DESTDIR
	@install -d $(DESTDIR)$(PREFIX)/bin
	@install -m 755 $(PROGRAMS:%=$(B)/bin/%) $(DESTDIR)$(PREFIX)/bin

clean: ## remove what was built
	@rm -rf build

help: ## show this
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  MODE=release (also: asan, tsan, faults, fuzz), PREFIX=$(PREFIX), PYTEST='-k name'"
	@echo "  CC=clang (or another; default gcc); MODE=fuzz and fuzz-run take clang, which \`make check\` installs"

# The program that makes the clip which the quickstart and the tests fetch: a few calls of libav.
$(B)/bin/clip: tests/clip/clip.c $(COMPILED)
	@mkdir -p $(@D) && echo "  LINK  $@"
	@$(CC) $(CFLAGS) $(LINKING) $< $(call cflags,libavformat libavcodec libavutil) $(call libs,libavformat libavcodec libavutil) -o $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)
