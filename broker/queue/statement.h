/*
 * The flush's statements as a table: one row each, in the order they run, which is the order of the
 * locks (docs/architecture.md, law 4): sessions first, shared and whole, then live, each statement
 * in id order. Where one job has several events in a flush the order also decides who is right:
 * progress, finish, release, cancel.
 */
#ifndef FM_BROKER_QUEUE_STATEMENT_H
#define FM_BROKER_QUEUE_STATEMENT_H

#include "broker/db/db.h"
#include "broker/queue/queue.h"

#define FM_STATEMENT_PARAMETERS_MAX 16

/* Where a parameter comes from: an array with an element for each event of a kind, for each file or
 * lease such an event lists, or one number. */
enum fm_statement_source {
    FM_SOURCE_NONE,
    FM_SOURCE_EVENT,
    FM_SOURCE_FILE_EVENT, /* the event's member, once for each of its files */
    FM_SOURCE_FILE,
    FM_SOURCE_HELD,
    FM_SOURCE_BROKER,
    FM_SOURCE_CONSTANT,
};

struct fm_statement_parameter {
    enum fm_statement_source source;
    enum fm_queue_kind kind;
    unsigned form; /* how the member at `offset` is written */
    size_t offset;
    int64_t value;
};

struct fm_statement {
    const char *sql;
    enum fm_queue_kind answers; /* whose events the rows' first column counts, from 1 */
    void (*read)(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row); /* or NULL */
    struct fm_statement_parameter parameters[FM_STATEMENT_PARAMETERS_MAX];
};

extern const struct fm_statement fm_statements[];
extern const size_t fm_statement_count;

/* Of the elements of a parameter's array. */
enum fm_db_type fm_statement_type(const struct fm_statement_parameter *parameter);
/* What an event of this array adds to it. */
void fm_statement_put(const struct fm_statement_parameter *parameter,
                      const struct fm_queue_event *event, struct fm_text *array);

#endif
