/*
 * Runs one attempt at a job, from JOB to RESULT_ACK. Events move it on: its children's messages and
 * their ends, the broker's messages (CANCEL, UPLOAD, RESULT_ACK) and its deadline; no function here
 * waits. Before: serve.c has a slot for it, or keeps it in hand until there is one. After: phase
 * OVER, and serve.c destroys it and frees the slot.
 * Owns: its children, its files, its RESULT. Threads: the main thread.
 */
#ifndef FM_WORKER_JOB_H
#define FM_WORKER_JOB_H

#include "worker/facts.h"
#include "worker/files.h"
#include "worker/link.h"
#include "worker/spare.h"

/* What all attempts share; serve.c owns it, and it outlives them. */
struct fm_job_host {
    struct fm_loop *loop;
    struct fm_link *link;
    struct fm_spares *spares;
    const char *work_dir;
    const char *transfer_path;
    unsigned threads;                 /* the most that media may use in one slot */
    const struct fm_welcome *welcome; /* the latest; set before the first JOB can come */
};

enum fm_job_phase {
    FM_JOB_IN_HAND,   /* waits for a slot whose job is being killed */
    FM_JOB_RUNNING,   /* has children, or is about to */
    FM_JOB_ENDING,    /* has its verdict; the last children are being killed */
    FM_JOB_REPORTING, /* RESULT is sent each round until the broker acknowledges it */
    FM_JOB_OVER,      /* to be destroyed; its slot can be freed */
};

struct fm_job_attempt {
    /* For serve.c alone: its list, and how this attempt counts in its slots (slot.h). */
    struct fm_job_attempt *next;
    bool has_slot, is_in_hand, is_freeing;

    const struct fm_job_host *host;
    struct fm_message message; /* the JOB, whose packed spec the children get */
    struct fm_id account, job;
    uint64_t lease;
    enum fm_class class;
    struct fm_arena arena; /* all texts of spec, source and outputs; freed with the attempt */
    struct fm_spec spec;
    bool is_copy;        /* the source itself is delivered: nothing is made or verified */
    int64_t deadline_ms; /* by this machine's monotonic clock, counted from when JOB arrived */

    enum fm_job_phase phase;
    struct fm_files files;
    struct fm_child *transfer, *media; /* media: work; once that is reaped, verify */
    bool is_media_void; /* media is being killed for a later generation: its end does not count */

    /* Progress through the steps. A new generation of the source (transfer began the download
     * anew) resets it, except for the facts gathered so far. */
    uint64_t generation; /* 0: no SOURCE yet */
    uint64_t size_bytes; /* of the source, once is_complete */
    bool is_complete, is_worked, is_verified;
    bool has_facts, is_probed; /* is_probed: a PROGRESS has brought facts */
    struct fm_source_facts source;
    struct fm_list outputs; /* of fm_file_facts: as made, then as verified, then as delivered */

    /* How it ended: the first verdict stands. */
    bool has_verdict;
    bool is_unreported; /* canceled, or the worker ends: no RESULT is sent */
    enum fm_how how;
    enum fm_error_code error;
    char detail[256];
    int64_t result_at_ms; /* when RESULT is sent again */

    struct fm_progress progress; /* the latest; `source` and ids are filled in when it is sent */
    bool is_progress_due;
    int64_t progress_at_ms; /* the next may not be sent earlier */
};

/* Takes the JOB over (zeroes its arena); `host` is borrowed. Never NULL: if ids or spec cannot be
 * read, the attempt starts in phase REPORTING and its RESULT reports PROTOCOL. Otherwise its phase
 * is IN_HAND, and its deadline runs. */
struct fm_job_attempt *fm_job_new(const struct fm_job_host *host, struct fm_message *message);
/* Kills its children and waits until they are reaped; removes the directory. Null-safe. */
void fm_job_destroy(struct fm_job_attempt **attempt);
/* The attempt has a slot: makes its directory and starts transfer. Failures become its verdict. */
void fm_job_start(struct fm_job_attempt *attempt);
/* Ends it without a RESULT: after CANCEL, a final REFUSE, or when the worker ends. Its phase is
 * OVER at once if no child runs, otherwise ENDING until the last child is reaped. */
void fm_job_cancel(struct fm_job_attempt *attempt, const char *why);
/* RESULT_ACK came. `is_stale`: the lease no longer stood and the RESULT moved nothing; to the
 * worker both mean that the attempt is over. */
void fm_job_acknowledge(struct fm_job_attempt *attempt, bool is_stale);
/* A WELCOME came: sends transfer the store's origins, which may have changed, and repeats RESULT,
 * which the former connection may have lost. */
void fm_job_welcome(struct fm_job_attempt *attempt);
/* Passes UPLOAD's signed URLs to transfer. */
void fm_job_upload(struct fm_job_attempt *attempt, const struct fm_upload *upload);
/* Enforces the deadline, sends progress that is due, repeats RESULT. Returns when to call it again
 * (milliseconds of fm_clock_ms). */
int64_t fm_job_tick(struct fm_job_attempt *attempt, int64_t now_ms);
/* Sends RESULT now; does nothing unless the phase is REPORTING. */
void fm_job_report(struct fm_job_attempt *attempt);

#endif
