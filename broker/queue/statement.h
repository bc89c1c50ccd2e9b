/*
 * The statements of a flush as a table, in the order in which they run. That is the order of the
 * locks: sessions first, then rows of live, which each statement locks in id order. Where one job
 * has several events in a flush, the order also decides which of them wins: progress, finish,
 * release, cancel.
 */
#ifndef FM_BROKER_QUEUE_STATEMENT_H
#define FM_BROKER_QUEUE_STATEMENT_H

#include "broker/db/db.h"
#include "broker/queue/queue.h"

#define FM_STATEMENT_PARAMETERS_MAX 16

/* Where a parameter comes from: an array with one element for each event of a kind, or for each
 * file or lease that such an event lists; or a single number. */
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
    enum fm_queue_kind answers; /* the kind whose events the rows' first column numbers, from 1 */
    void (*read)(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row); /* or NULL */
    struct fm_statement_parameter parameters[FM_STATEMENT_PARAMETERS_MAX];
};

extern const struct fm_statement fm_statements[];
extern const size_t fm_statement_count;

/* The type of the elements of a parameter's array. */
enum fm_db_type fm_statement_type(const struct fm_statement_parameter *parameter);
/* Appends the elements that an event contributes to the parameter's array. */
void fm_statement_put(const struct fm_statement_parameter *parameter,
                      const struct fm_queue_event *event, struct fm_text *array);

#endif
