/*
 * Where everything of one stack lives (docs/architecture.md, "Processes"): the state directory, its
 * users and modes, the socket directory under /run, the ports it keeps. Root walls the parts off by
 * users; without root there is no such wall.
 */
#ifndef FM_CLI_STATE_DIR_H
#define FM_CLI_STATE_DIR_H

#include <sys/types.h>

#include "common/error.h"

struct fm_state_dir_user {
    char *name; /* NULL: whoever runs this */
    uid_t uid;
    gid_t gid;
};

struct fm_state_dir {
    char *state;   /* absolute */
    char *sockets; /* ID in /run/fetchmedia, $XDG_RUNTIME_DIR/fetchmedia or /tmp/fetchmedia-UID */
    bool is_root;
    struct fm_state_dir_user postgres, broker, work;
};

/* Names only; nothing is made. `given` NULL: /var/lib/fetchmedia as root, ~/.local/state/fetchmedia
 * else. */
bool fm_state_dir_find(const char *given, struct fm_state_dir *place,
                       struct fm_error *err) FM_MUST_CHECK;
/* Makes users (root) and directories with their modes, copies the programs to <state>/bin. */
bool fm_state_dir_make(struct fm_state_dir *place, unsigned workers,
                       struct fm_error *err) FM_MUST_CHECK;
void fm_state_dir_done(struct fm_state_dir *place);
/* "<state>/name", malloc'ed. */
char *fm_state_dir_path(const struct fm_state_dir *place, const char *name);

struct fm_state_dir_ports {
    char *listen; /* "127.0.0.1:8080" */
    char *link;
    char *metrics; /* always loopback's */
};
/* Those kept in <state>/ports, else free ones (8080 to 8082 first), then kept. `listen` NULL: as
 * kept. */
bool fm_state_dir_ports(const struct fm_state_dir *place, const char *listen,
                        struct fm_state_dir_ports *ports, struct fm_error *err) FM_MUST_CHECK;
/* Those kept, and nothing chosen; false: none are. */
bool fm_state_dir_kept_ports(const struct fm_state_dir *place, struct fm_state_dir_ports *ports);
void fm_state_dir_ports_done(struct fm_state_dir_ports *ports);

/* The last act of a stack: what stands only while it runs (its description, its sockets) goes. */
void fm_state_dir_leave(const struct fm_state_dir *place);
/* The process that holds the lock, or held it last; 0: none. */
pid_t fm_state_dir_owner(const struct fm_state_dir *place);
/* Takes the stack's lock for life; *taken false when another supervisor holds it. */
bool fm_state_dir_lock(const struct fm_state_dir *place, int *fd, bool *taken,
                       struct fm_error *err) FM_MUST_CHECK;

#endif
