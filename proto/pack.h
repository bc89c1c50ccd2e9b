/*
 * Records as MessagePack, for the link, the channels and stored specs. A record is a C struct
 * described by a table of fields; the same table packs it, unpacks it under limits, and feeds
 * validation, docs and fuzz seeds. On the wire a record is a map from field name to value. A field
 * at its default is left out, and unknown names are skipped, so older and newer peers understand
 * each other. Reading walks all bytes first and refuses malformed ones, then copies by the table: a
 * peer's bytes decide neither an allocation beyond the table's limits nor a pointer.
 * Threads: any; no shared state.
 */
#ifndef FM_PROTO_PACK_H
#define FM_PROTO_PACK_H

#include "common/error.h"
#include "common/memory.h"
#include "common/text.h"

enum fm_field_kind {
    FM_FIELD_NUMBER, /* uint64_t, in [min, max] or the default; see pack_read.c on numbers between
                      */
    FM_FIELD_SIGNED, /* int64_t, in [min, max] */
    FM_FIELD_REAL,   /* double, finite, in [min, max] */
    FM_FIELD_BOOL,   /* bool */
    FM_FIELD_ENUM,   /* uint64_t on the wire, a name of `names` in JSON */
    FM_FIELD_TEXT,   /* const char *, UTF-8 of at most max bytes, without control characters of
                        ASCII but tab and line feed; NULL if absent; with `names`, a client may
                        give only one of these */
    FM_FIELD_BYTES,  /* struct fm_slice, at most max bytes; length 0 if absent */
    FM_FIELD_RECORD, /* const struct …*; NULL if absent */
    FM_FIELD_LIST,   /* struct fm_list of records, at most max */
};

/* `items` is an array of `count` structs of the field's record; NULL if `count` is 0. */
struct fm_list {
    void *items;
    size_t count;
};

struct fm_record;
struct fm_field {
    enum fm_field_kind kind;
    const char *name;
    size_t offset;   /* in the struct */
    double min, max; /* exact, because they are below 2^53; a NUMBER with max < 0 has no maximum */
    double standard; /* NUMBER, SIGNED, REAL, BOOL, ENUM: the value when absent */
    const struct fm_record *record; /* RECORD, LIST */
    const char *const *names;       /* ENUM, some TEXTs: NULL-terminated */
    const char *prose;
    const char *example; /* a value as a client would write it, for the docs; NULL: none */
};

struct fm_record {
    const char *name;
    size_t size; /* of the struct */
    const struct fm_field *fields;
    size_t field_count;
};

#define FM_PACK_DEPTH 8     /* nested lists and maps; the frame around a record is one */
#define FM_PACK_LIMIT 65536 /* bytes of a frame, and of the largest packed record */

/* True if the bytes are exactly one MessagePack value: every declared count fits the bytes left,
 * lists and maps nest at most FM_PACK_DEPTH deep, nothing follows the value, map keys are distinct
 * texts of at most 64 bytes, no ext types. PROTOCOL otherwise. */
bool fm_pack_check(struct fm_slice bytes, struct fm_error *err) FM_MUST_CHECK;

/* Sets every field of `out` to its default; texts, lists and records to absent. */
void fm_pack_defaults(const struct fm_record *record, void *out);

/* Appends the packed record. The struct must be within the table's limits, which only the reader
 * checks. */
void fm_pack_write(const struct fm_record *record, const void *in, struct fm_text *out);

/* Checks the bytes, then fills `out` (record->size bytes). All that `out` points at is copied into
 * the arena and lives as long as that. PROTOCOL on anything outside the table's kinds and ranges,
 * with the field's name as `param`; the arena may hold part of the record then. */
bool fm_pack_read(const struct fm_record *record, struct fm_slice bytes, struct fm_arena *arena,
                  void *out, struct fm_error *err) FM_MUST_CHECK;

/* Fills `err` with PROTOCOL, the field at fault as `param` and no message for the client. Always
 * returns false. */
bool fm_pack_refuse(struct fm_error *err, const char *param, const char *why);

/* The field of that name; NULL if the record has none. */
const struct fm_field *fm_pack_field(const struct fm_record *record, const char *name);

/*
 * How a .def becomes structs and tables. A .def is a list of
 *   FM_RECORD(tag, "prose")
 *     FM_NUMBER(tag, name, min, max, standard, "prose")   FM_SIGNED, FM_REAL alike
 *     FM_BOOL(tag, name, standard, "prose")
 *     FM_ENUM(tag, name, list of names.def or formats.def, standard, "prose")
 *     FM_TEXT(tag, name, max bytes, "prose")   FM_BYTES alike
 *     FM_WORD(tag, name, list of names.def or formats.def, "prose"), a text of at most 16 bytes
 *     FM_SUB(tag, name, record tag, "prose")
 *     FM_LIST(tag, name, record tag, max count, "prose")
 *   FM_RECORD_END(tag)
 * with a record before those that use it. Every row but FM_RECORD may have an example after its
 * prose. Include proto/record_struct.h, the .def, proto/record_undef.h in a header;
 * proto/record_table.h, the .def, proto/record_undef.h in one .c file.
 * A list is named as in its fm_names_… table, such as `codec`. `standard` is the default value.
 */

#endif
