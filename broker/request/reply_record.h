/*
 * JSON replies by tables. A .def file lists the members of a reply; the C struct that an act fills,
 * the writer, and the schema in /openapi.json are all made from those rows, so a reply and its
 * description cannot disagree. Pure.
 *
 * A .def is a list of
 *   FM_REPLY(tag, "prose")
 *     FM_REPLY_CONST(tag, name, "text", "prose")      always this text; not in the struct
 *     FM_REPLY_ID(tag, name, kind of id.h, presence, "prose")
 *     FM_REPLY_TEXT(tag, name, presence, "prose", "example")
 *     FM_REPLY_NAME(tag, name, list of names, presence, "prose")
 *     FM_REPLY_TIME(tag, name, presence, "prose")     microseconds since 1970
 *     FM_REPLY_INTEGER(tag, name, presence, "prose", "example")
 *     FM_REPLY_REAL(tag, name, presence, "prose", "example")
 *     FM_REPLY_BOOL(tag, name, "prose")
 *     FM_REPLY_OBJECT(tag, name, tag of the object, presence, "prose")
 *     FM_REPLY_LIST(tag, name, tag of its items, "prose")
 *     FM_REPLY_TEXTS(tag, name, "prose", "example")   the example is JSON
 *     FM_REPLY_PAIRS(tag, name, "prose", "example")   the example is JSON
 *     FM_REPLY_ROWS(tag, name, "prose")               a page's objects, already written as JSON
 *   FM_REPLY_END(tag)
 * An object stands before the records that contain it. A header includes reply_struct.h, the .def
 * and reply_undef.h, which gives struct fm_reply_TAG and fm_reply_write_TAG(); exactly one .c file
 * includes reply_table.h, the .def and reply_undef.h.
 */
#ifndef FM_BROKER_REQUEST_REPLY_RECORD_H
#define FM_BROKER_REQUEST_REPLY_RECORD_H

#include <math.h>

#include "common/id.h"
#include "common/text.h"
#include "proto/pack.h"

/* The C type of a member, and which of its values means "unknown". */
enum fm_reply_kind {
    FM_REPLY_KIND_CONST,   /* no member */
    FM_REPLY_KIND_ID,      /* struct fm_id; zero: unknown */
    FM_REPLY_KIND_TEXT,    /* const char *; NULL: unknown */
    FM_REPLY_KIND_NAME,    /* const char *, one of the list of names; NULL: unknown */
    FM_REPLY_KIND_TIME,    /* int64_t; 0: unknown */
    FM_REPLY_KIND_INTEGER, /* int64_t; FM_REPLY_UNKNOWN: unknown */
    FM_REPLY_KIND_REAL,    /* double, shown with at most 3 decimals; not finite (NAN): unknown */
    FM_REPLY_KIND_BOOL,    /* bool */
    FM_REPLY_KIND_OBJECT,  /* const struct fm_reply_TAG *; NULL: unknown */
    FM_REPLY_KIND_LIST,    /* struct fm_list of struct fm_reply_TAG */
    FM_REPLY_KIND_TEXTS,   /* const char *const *, NULL-terminated; NULL: none */
    FM_REPLY_KIND_PAIRS,   /* struct fm_list of struct fm_spec_pair */
    FM_REPLY_KIND_ROWS,    /* struct fm_slice: a JSON array */
};

#define FM_REPLY_UNKNOWN INT64_MIN

/* How a member is written while its value is unknown. */
enum fm_reply_presence {
    FM_REPLY_ALWAYS,    /* the act always fills it; described as never null */
    FM_REPLY_OR_NULL,   /* as null */
    FM_REPLY_OR_ABSENT, /* left out */
};

struct fm_reply_record;
struct fm_reply_field {
    const char *name;
    enum fm_reply_kind kind;
    enum fm_reply_presence presence;
    size_t offset;
    enum fm_id_kind id;                   /* ID */
    const char *const *names;             /* NAME: NULL-terminated; "" is skipped */
    const struct fm_reply_record *record; /* OBJECT, LIST */
    const char *prose, *example;          /* example: NULL for none; a CONST keeps its text here */
};

struct fm_reply_record {
    const char *name, *prose;
    size_t size;
    const struct fm_reply_field *fields;
    size_t field_count;
};

/* Appends the struct `reply` as a JSON object, its members in the table's order. `reply` must be
 * the record's own struct; fm_reply_write_TAG() does the same with the type checked. */
void fm_reply_record_write(const struct fm_reply_record *record, const void *reply,
                           struct fm_text *out);

/* The value of a REAL member: unknown unless `is_known`. */
static inline double fm_reply_known(double value, bool is_known)
{
    return is_known ? value : (double)NAN;
}

/* The value of an INTEGER member whose source uses 0 for "unknown" or "unlimited". */
static inline int64_t fm_reply_nonzero(uint64_t value)
{
    return value > 0 ? (int64_t)value : FM_REPLY_UNKNOWN;
}

#endif
