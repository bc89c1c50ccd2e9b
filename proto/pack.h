/*
 * MessagePack, the only door to it: walk and refuse first, then read or write by tables.
 * A record is a C struct described by a table of fields; the same table packs it, unpacks it under
 * limits, and feeds validation, docs and fuzz seeds. On the wire a record is a map from field name
 * to value; what stands at its default is left out, unknown names are skipped.
 */
#ifndef FM_PROTO_PACK_H
#define FM_PROTO_PACK_H

#include "common/error.h"
#include "common/memory.h"
#include "common/text.h"

enum fm_field_kind {
    FM_FIELD_NUMBER, /* uint64_t, in [min, max] or the default; one below min is read as it is */
    FM_FIELD_SIGNED, /* int64_t, in [min, max] */
    FM_FIELD_REAL,   /* double, finite, in [min, max] */
    FM_FIELD_BOOL,   /* bool */
    FM_FIELD_ENUM,   /* uint64_t on the wire, a name of `names` in JSON */
    FM_FIELD_TEXT,   /* const char *, UTF-8 without U+0001 to U+001F and U+007F but tab and line
                        feed, at most max bytes; NULL absent; with `names`, clients may say one of
                        these alone */
    FM_FIELD_BYTES,  /* struct fm_slice, at most max bytes; length 0 absent */
    FM_FIELD_RECORD, /* const struct …*; NULL absent */
    FM_FIELD_LIST,   /* struct fm_list of records, at most max */
};

/* `items` points at count structs of the field's record, one behind the other. */
struct fm_list {
    void *items;
    size_t count;
};

struct fm_record;
struct fm_field {
    enum fm_field_kind kind;
    const char *name;
    size_t offset;
    double min, max; /* every number here is below 2^53, but for a NUMBER with max < 0: any */
    double standard; /* NUMBER, SIGNED, REAL, BOOL, ENUM: the value when absent */
    const struct fm_record *record; /* RECORD, LIST */
    const char *const *names;       /* ENUM, some TEXTs: NULL-terminated */
    const char *prose;
};

struct fm_record {
    const char *name;
    size_t size;
    const struct fm_field *fields;
    size_t field_count;
};

#define FM_PACK_DEPTH 8
#define FM_PACK_LIMIT 65536 /* a frame, and the largest packed record */

/* True if the bytes are exactly one MessagePack value: every declared count fits the bytes left,
 * depth
 * <= FM_PACK_DEPTH, no trailing bytes, maps keyed by distinct short strings, no ext types.
 * PROTOCOL. */
bool fm_pack_check(struct fm_slice bytes, struct fm_error *err) FM_MUST_CHECK;

/* Sets every field of `out` to its default. */
void fm_pack_defaults(const struct fm_record *record, void *out);

/* Appends. The struct must be within the table's limits: asserted in tests, not here. */
void fm_pack_write(const struct fm_record *record, const void *in, struct fm_text *out);

/* Checks, then fills `out` (size record->size); what it points at lives in the arena, copied.
 * PROTOCOL on anything outside the table's kinds and ranges; `param` names the field. */
bool fm_pack_read(const struct fm_record *record, struct fm_slice bytes, struct fm_arena *arena,
                  void *out, struct fm_error *err) FM_MUST_CHECK;

/* Fills PROTOCOL with the field at fault as its `param`, nothing for the client; returns false. */
bool fm_pack_refuse(struct fm_error *err, const char *param, const char *why);

/* The field of that name, or NULL. */
const struct fm_field *fm_pack_field(const struct fm_record *record, const char *name);

/*
 * How a .def becomes a struct and its table. A .def is a list of
 *   FM_RECORD(tag, "prose")
 *     FM_NUMBER(tag, name, min, max, standard, "prose")   FM_SIGNED, FM_REAL alike
 *     FM_BOOL(tag, name, standard, "prose")
 *     FM_ENUM(tag, name, enum tag of FM_NAMES, standard, "prose")
 *     FM_TEXT(tag, name, max bytes, "prose")   FM_BYTES alike
 *     FM_WORD(tag, name, enum tag of FM_NAMES, "prose"), of at most 16 bytes
 *     FM_SUB(tag, name, record tag, "prose")
 *     FM_LIST(tag, name, record tag, max count, "prose")
 *   FM_RECORD_END(tag)
 * records before those that use them. Include proto/record_struct.h, the .def, proto/record_undef.h
 * in a header; proto/record_table.h, the .def, proto/record_undef.h in one .c file.
 */

#endif
