/* Selects the events of a transaction, builds its calls and reads each event's outcome: see
 * flush.h. */
#include "broker/queue/flush.h"

#include <stdlib.h>
#include <string.h>

#include "broker/queue/statement.h"
#include "common/memory.h"
#include "sql/sql.h"

/* For each kind: the member by which two events concern the same job or session, whether an event
 * whose row did not move needs the second read, and the outcome of such an event until then. */
static const struct {
    size_t key, key_size;
    bool needs_second_read;
    enum fm_queue_outcome unmoved;
} kinds[FM_QUEUE_KINDS] = {
#define KEY(member)                                                                                \
    offsetof(struct fm_queue_event, member), sizeof(((struct fm_queue_event *)0)->member)
    [FM_QUEUE_ENQUEUE] = {KEY(id), true, FM_QUEUE_MOVED},
    [FM_QUEUE_CLAIM] = {KEY(id), false, FM_QUEUE_STALE},
    [FM_QUEUE_PROGRESS] = {KEY(lease), true, FM_QUEUE_STALE},
    [FM_QUEUE_FINISH] = {KEY(lease), true, FM_QUEUE_STALE},
    [FM_QUEUE_RELEASE] = {KEY(lease), true, FM_QUEUE_STALE},
    [FM_QUEUE_CANCEL] = {KEY(id), true, FM_QUEUE_MISSING},
    [FM_QUEUE_DELETE] = {KEY(id), true, FM_QUEUE_MISSING},
    [FM_QUEUE_DEFER] = {KEY(id), false, FM_QUEUE_STALE},
    [FM_QUEUE_ATTACH] = {KEY(node), false, FM_QUEUE_STALE},
    [FM_QUEUE_EXPIRE] = {KEY(session), false, FM_QUEUE_STALE},
    [FM_QUEUE_BEAT] = {KEY(session), false, FM_QUEUE_STALE},
#undef KEY
};

struct fm_flush *fm_flush_new(uint64_t broker)
{
    struct fm_flush *flush = fm_alloc(sizeof(*flush));
    flush->broker = broker;
    return flush;
}

void fm_flush_destroy(struct fm_flush **flush)
{
    if (*flush == NULL) {
        return;
    }
    for (size_t i = 0; i < FM_FLUSH_PARAMETERS_MAX; i++) {
        fm_text_done(&(*flush)->texts[i]);
    }
    free(fm_steal(*flush));
}

struct candidate {
    struct fm_queue_event *event;
    size_t order;
};

static int compare_concern(const struct fm_queue_event *a, const struct fm_queue_event *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    size_t key = kinds[a->kind].key;
    return memcmp((const char *)a + key, (const char *)b + key, kinds[a->kind].key_size);
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    int concern = compare_concern(left->event, right->event);
    return concern != 0 ? concern : (left->order > right->order) - (left->order < right->order);
}

/* Sets `first` after each change of `events`. */
static void find_kinds(struct fm_flush *flush)
{
    size_t i = 0;
    for (unsigned kind = 0; kind <= FM_QUEUE_KINDS; kind++) {
        while (i < flush->count && (unsigned)flush->events[i]->kind < kind) {
            i++;
        }
        flush->first[kind] = i;
    }
}

static int compare_order(const void *a, const void *b)
{
    const struct candidate *left = a, *right = b;
    return (left->order > right->order) - (left->order < right->order);
}

/* Puts events back at the head of the list, in the order they came. */
static void put_back(struct candidate *back, size_t count, struct fm_queue_event **list)
{
    qsort(back, count, sizeof(back[0]), compare_order);
    while (count > 0) {
        struct fm_queue_event *event = back[--count].event;
        event->next = *list;
        *list = event;
    }
}

void fm_flush_take(struct fm_flush *flush, struct fm_queue_event **list, size_t limit)
{
    struct candidate all[FM_FLUSH_MAX] = {0}, back[FM_FLUSH_MAX] = {0};
    size_t count = 0, back_count = 0;
    while (count < limit && count < FM_FLUSH_MAX && *list != NULL) {
        all[count] = (struct candidate){.event = *list, .order = count};
        *list = all[count++].event->next;
    }
    qsort(all, count, sizeof(all[0]), compare_candidates);
    flush->count = 0;
    flush->is_again = false;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_concern(all[i - 1].event, all[i].event) == 0) {
            back[back_count++] = all[i];
        } else {
            flush->events[flush->count++] = all[i].event;
        }
    }
    put_back(back, back_count, list);
    find_kinds(flush);
}

void fm_flush_give_back(struct fm_flush *flush, struct fm_queue_event **list)
{
    while (flush->count > 0) {
        struct fm_queue_event *event = flush->events[--flush->count];
        event->next = *list;
        *list = event;
    }
    find_kinds(flush);
}

struct fm_queue_event *fm_flush_remove(struct fm_flush *flush, size_t index)
{
    struct fm_queue_event *event = flush->events[index];
    flush->count--;
    memmove(&flush->events[index], &flush->events[index + 1],
            (flush->count - index) * sizeof(struct fm_queue_event *));
    find_kinds(flush);
    return event;
}

static void build_array(const struct fm_flush *flush,
                        const struct fm_statement_parameter *parameter, struct fm_text *text)
{
    fm_db_array_open(text, fm_statement_type(parameter));
    for (size_t i = flush->first[parameter->kind]; i < flush->first[parameter->kind + 1]; i++) {
        fm_statement_put(parameter, flush->events[i], text);
    }
}

static void build_parameter(struct fm_flush *flush, const struct fm_statement_parameter *parameter)
{
    struct fm_text *text = &flush->texts[flush->parameter_count];
    if (parameter->source == FM_SOURCE_BROKER || parameter->source == FM_SOURCE_CONSTANT) {
        int64_t broker = (int64_t)flush->broker;
        fm_text_clear(text);
        fm_text_format(
            text, "%lld",
            (long long)(parameter->source == FM_SOURCE_BROKER ? broker : parameter->value));
    } else {
        build_array(flush, parameter, text);
    }
    flush->parameter_count++;
}

static void add_call(struct fm_flush *flush, const char *sql, size_t parameter_count)
{
    size_t first = flush->parameter_count - parameter_count;
    fm_db_parameters(&flush->texts[first], parameter_count, &flush->parameters[first],
                     &flush->lengths[first]);
    flush->statement_of[flush->call_count] = fm_statement_count;
    flush->calls[flush->call_count++] = (struct fm_db_call){.sql = sql,
                                                            .parameters = &flush->parameters[first],
                                                            .lengths = &flush->lengths[first],
                                                            .count = parameter_count};
}

/* True if any of the statement's arrays has an element; otherwise the statement is left out. */
static bool has_events(const struct fm_flush *flush, const struct fm_statement *statement)
{
    bool has = false;
    for (size_t i = 0;
         i < FM_STATEMENT_PARAMETERS_MAX && statement->parameters[i].source != FM_SOURCE_NONE;
         i++) {
        const struct fm_statement_parameter *parameter = &statement->parameters[i];
        has = has || (parameter->source == FM_SOURCE_EVENT &&
                      flush->first[parameter->kind] < flush->first[parameter->kind + 1]);
    }
    return has;
}

static void add_statement(struct fm_flush *flush, size_t index)
{
    const struct fm_statement *statement = &fm_statements[index];
    size_t count = 0;
    while (count < FM_STATEMENT_PARAMETERS_MAX &&
           statement->parameters[count].source != FM_SOURCE_NONE) {
        build_parameter(flush, &statement->parameters[count++]);
    }
    add_call(flush, statement->sql, count);
    flush->statement_of[flush->call_count - 1] = index;
}

void fm_flush_build(struct fm_flush *flush)
{
    flush->call_count = flush->parameter_count = 0;
    memset(flush->is_answered, 0, sizeof(flush->is_answered));
    add_call(flush, fm_sql_flush_begin, 0);
    if (flush->is_again) {
        add_call(flush, fm_sql_flush_again, 0);
    }
    for (size_t i = 0; i < fm_statement_count; i++) {
        if (has_events(flush, &fm_statements[i])) {
            add_statement(flush, i);
        }
    }
    add_call(flush, fm_sql_flush_commit, 0);
}

/* Each row answers one event: its first column is the event's number within its kind, from 1. */
static void read_call(struct fm_flush *flush, const struct fm_statement *statement,
                      struct fm_db_rows *rows)
{
    size_t first = flush->first[statement->answers];
    for (size_t row = 0; row < fm_db_rows_count(rows); row++) {
        size_t i = first + (size_t)fm_db_integer(rows, row, 0) - 1;
        if (i < flush->first[statement->answers + 1]) {
            statement->read(flush->events[i], rows, row);
            flush->is_answered[i] = true;
        }
    }
}

/* True if the event needs the second read. An ENQUEUE without a lease does not: whether this run or
 * an earlier one inserted its job, the job waits. */
static bool needs_second_read(const struct fm_queue_event *event)
{
    return kinds[event->kind].needs_second_read &&
           (event->kind != FM_QUEUE_ENQUEUE || event->lease != 0);
}

void fm_flush_read(struct fm_flush *flush, struct fm_db *db)
{
    for (size_t i = 0; i < flush->call_count; i++) {
        size_t index = flush->statement_of[i];
        if (index < fm_statement_count && fm_statements[index].read != NULL) {
            struct fm_db_rows *rows = fm_db_take(db, i);
            read_call(flush, &fm_statements[index], rows);
            fm_db_rows_destroy(&rows);
        }
    }
    for (size_t i = 0; i < flush->count; i++) {
        struct fm_queue_event *event = flush->events[i];
        if (!flush->is_answered[i]) {
            event->outcome = kinds[event->kind].unmoved;
            flush->is_answered[i] = !needs_second_read(event);
        }
    }
}

size_t fm_flush_take_answered(struct fm_flush *flush, bool all,
                              struct fm_queue_event *out[FM_FLUSH_MAX])
{
    size_t taken = 0, left = 0, first = flush->first[FM_QUEUE_PROGRESS];
    for (size_t i = 0; i < flush->count; i++) {
        size_t k = (first + i) % flush->count;
        if (all || flush->is_answered[k]) {
            out[taken++] = flush->events[k];
        }
    }
    for (size_t i = 0; i < flush->count; i++) {
        if (!all && !flush->is_answered[i]) {
            flush->events[left++] = flush->events[i];
        }
    }
    flush->count = left;
    memset(flush->is_answered, 0, sizeof(flush->is_answered));
    find_kinds(flush);
    return taken;
}

void fm_flush_build_second_read(struct fm_flush *flush)
{
    struct fm_text *ids = &flush->texts[0], *accounts = &flush->texts[1];
    fm_db_array_open(ids, FM_DB_UUID);
    fm_db_array_open(accounts, FM_DB_UUID);
    for (size_t i = 0; i < flush->count; i++) {
        fm_db_array_id(ids, &flush->events[i]->id);
        fm_db_array_id(accounts, &flush->events[i]->account);
    }
    flush->parameter_count = 2;
    flush->call_count = 0;
    add_call(flush, fm_sql_job_found, 2);
}

/* The job has ended. A FINISH, RELEASE or PROGRESS keeps its STALE unless its own lease ended the
 * job, by an earlier run of this flush. */
static void read_ended(struct fm_queue_event *event, enum fm_state state, uint64_t lease)
{
    if (event->kind == FM_QUEUE_CANCEL || event->kind == FM_QUEUE_DELETE) {
        event->outcome = FM_QUEUE_ENDED;
        event->state = state;
    } else if (lease == event->lease) {
        event->outcome = event->kind == FM_QUEUE_RELEASE ? FM_QUEUE_ENDED : FM_QUEUE_MOVED;
    }
}

/* The job is waiting or leased. An ENQUEUE whose lease stands was committed by an earlier run. */
static void read_live(struct fm_queue_event *event, uint64_t lease, int64_t time_left_ms)
{
    if (event->kind == FM_QUEUE_DELETE) {
        event->outcome = FM_QUEUE_STALE;
    } else if (event->kind == FM_QUEUE_ENQUEUE && lease == event->lease) {
        event->is_leased = true;
        event->starts = 1;
        event->time_left_ms = time_left_ms;
    }
}

void fm_flush_read_second(struct fm_flush *flush, struct fm_db *db)
{
    struct fm_db_rows *rows = fm_db_take(db, 0);
    for (size_t row = 0; row < fm_db_rows_count(rows); row++) {
        size_t i = (size_t)fm_db_integer(rows, row, 0) - 1;
        if (i >= flush->count) {
            continue;
        }
        if (!fm_db_is_null(rows, row, 2)) {
            read_ended(flush->events[i], (enum fm_state)fm_db_integer(rows, row, 2),
                       (uint64_t)fm_db_integer(rows, row, 3));
        } else if (fm_db_bool(rows, row, 1)) {
            read_live(flush->events[i], (uint64_t)fm_db_integer(rows, row, 4),
                      fm_db_integer(rows, row, 5));
        }
    }
    fm_db_rows_destroy(&rows);
}
