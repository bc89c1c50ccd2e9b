/*
 * One attempt, from JOB to RESULT_ACK. It is moved by its children's words and ends, by the
 * broker's (cancel, upload, acknowledgement) and by its deadline; it never waits. Owns: its
 * children, its files, its RESULT. Threads: the main thread.
 */
#ifndef FM_WORKER_JOB_H
#define FM_WORKER_JOB_H

#include "worker/facts.h"
#include "worker/files.h"
#include "worker/link.h"
#include "worker/spare.h"

/* What every attempt uses and none owns. */
struct fm_job_host {
    struct fm_loop *loop;
    struct fm_link *link;
    struct fm_spares *spares;
    const char *work_dir;
    const char *transfer_path;
    unsigned threads;                 /* of a slot */
    const struct fm_welcome *welcome; /* the one in force */
};

enum fm_job_phase {
    FM_JOB_IN_HAND, /* waits for a slot whose job is being killed */
    FM_JOB_RUNNING,
    FM_JOB_ENDING,  /* decided; its last children are being killed */
    FM_JOB_TELLING, /* RESULT goes out each round until acknowledged */
    FM_JOB_OVER,    /* to be destroyed; its slot is free */
};

struct fm_job_attempt {
    struct fm_job_attempt *next;           /* the owner's list */
    bool has_slot, is_in_hand, is_freeing; /* the owner's notes */

    const struct fm_job_host *host;
    struct fm_message message; /* the JOB */
    struct fm_id account, job;
    uint64_t lease;
    enum fm_class class;
    struct fm_arena arena;
    struct fm_spec spec;
    bool is_copy;
    int64_t deadline_ms;

    enum fm_job_phase phase;
    struct fm_files files;
    struct fm_child *transfer, *media; /* media: work, and once that is reaped verify */
    bool is_media_void;                /* a later generation came: nothing it says counts */

    /* How far it is. A new generation of the source sets all of it back. */
    uint64_t generation; /* 0: no SOURCE yet */
    uint64_t size_bytes;
    bool is_complete, is_worked, is_verified;
    bool has_facts, is_probed;
    struct fm_source_facts source;
    struct fm_list outputs; /* of file_facts: made, then found, then delivered */

    /* How it ended: the first verdict stands. */
    bool has_verdict;
    bool is_untold; /* canceled or stale: nobody wants to know */
    enum fm_how how;
    enum fm_error_code error;
    char detail[256];
    int64_t result_at_ms; /* when RESULT goes out next */

    struct fm_progress progress; /* the last one heard; sources and ids are filled in when sent */
    bool is_progress_due;
    int64_t progress_at_ms; /* not before */
};

/* Takes the message over (zeroes its arena). PROTOCOL if its ids or spec cannot be read; the
 * attempt is then there all the same, in phase TELLING, to say so. Phase IN_HAND otherwise. NULL
 * never. */
struct fm_job_attempt *fm_job_new(const struct fm_job_host *host, struct fm_message *message);
/* Kills and reaps what still runs, removes the directory. */
void fm_job_destroy(struct fm_job_attempt **attempt);
/* Its slot is there: directory and transfer. */
void fm_job_start(struct fm_job_attempt *attempt);
/* From CANCEL, a final REFUSE, or the worker's own end: ends without a RESULT. */
void fm_job_cancel(struct fm_job_attempt *attempt, const char *why);
void fm_job_acknowledge(struct fm_job_attempt *attempt, bool is_stale);
/* A WELCOME came: the store may have moved, and a RESULT is due again. */
void fm_job_welcome(struct fm_job_attempt *attempt);
void fm_job_upload(struct fm_job_attempt *attempt, const struct fm_upload *upload);
/* Deadline, throttled progress, RESULT again; answers when it wants to be called again. */
int64_t fm_job_tick(struct fm_job_attempt *attempt, int64_t now_ms);
/* Sends RESULT now, if it is in phase TELLING. */
void fm_job_tell(struct fm_job_attempt *attempt);

#endif
