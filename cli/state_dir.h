/*
 * Names and makes everything a stack keeps on disk (docs/architecture.md, "Processes"): the state
 * directory with its users and modes, the socket directory, the ports and the lock. Other files
 * take their paths from here. As root, each part belongs to a user of its own, which
 * keeps broker, workers and PostgreSQL out of each other's files; without root all share one user.
 * `up` makes and locks it; `down`, `status` and `doctor` only read.
 */
#ifndef FM_CLI_STATE_DIR_H
#define FM_CLI_STATE_DIR_H

#include <sys/types.h>

#include "common/error.h"

struct fm_state_dir_user {
    char *name; /* NULL: the user that runs this program */
    uid_t uid;
    gid_t gid;
};

struct fm_state_dir {
    char *path;    /* absolute, without a slash at its end */
    char *sockets; /* ID in /run/fetchmedia, $XDG_RUNTIME_DIR/fetchmedia or /tmp/fetchmedia-UID; ID
                      is 8 hex digits of the state path's hash */
    bool is_root;
    struct fm_state_dir_user postgres, broker, work;
};

/* Fills in the paths; makes and checks nothing on disk. `given` NULL: /var/lib/fetchmedia for root,
 * ~/.local/state/fetchmedia for others. SETTING when the socket directory's path would be too long.
 * The caller calls fm_state_dir_done in both cases. */
bool fm_state_dir_find(const char *given, struct fm_state_dir *state_dir,
                       struct fm_error *err) FM_MUST_CHECK;
/* Makes the users (root only) and the directories with their owners and modes, and copies the
 * programs to <state>/bin. Repairs owners and modes on every run. `workers`: working directories to
 * make. Only with the lock held. */
bool fm_state_dir_make(struct fm_state_dir *state_dir, unsigned workers,
                       struct fm_error *err) FM_MUST_CHECK;
void fm_state_dir_done(struct fm_state_dir *state_dir);
/* "<state>/name", malloc'ed. */
char *fm_state_dir_path(const struct fm_state_dir *state_dir, const char *name);

struct fm_state_dir_ports {
    char *listen; /* "127.0.0.1:8080" */
    char *link;
    char *metrics; /* a loopback address when chosen here */
};
/* The addresses kept in <state>/ports; missing ones are chosen among the free ports, 8080 to 8082
 * first. The result is written back, so that a stack keeps its addresses. `listen` replaces the
 * API's address; NULL: as kept. SETTING when an address of the file or `listen` has no port.
 * Released with fm_state_dir_ports_done in both cases. */
bool fm_state_dir_ports(const struct fm_state_dir *state_dir, const char *listen,
                        struct fm_state_dir_ports *ports, struct fm_error *err) FM_MUST_CHECK;
/* The kept addresses only; false when none are kept. `metrics` may be NULL. */
bool fm_state_dir_read_ports(const struct fm_state_dir *state_dir,
                             struct fm_state_dir_ports *ports);
void fm_state_dir_ports_done(struct fm_state_dir_ports *ports);

/* Removes what exists only while a stack runs: up.json and the socket directory. Call it when all
 * members have ended; failures are printed on stderr. */
void fm_state_dir_remove_runtime(const struct fm_state_dir *state_dir);
/* The process id written in the lock file: the lock's holder, or its last one. 0: none. */
pid_t fm_state_dir_owner(const struct fm_state_dir *state_dir);
/* Acquires the stack's lock, which is held until *fd is closed or the process ends. True with
 * *is_acquired false when another supervisor holds it; the caller closes *fd in every case. */
bool fm_state_dir_lock(const struct fm_state_dir *state_dir, int *fd, bool *is_acquired,
                       struct fm_error *err) FM_MUST_CHECK;

#endif
