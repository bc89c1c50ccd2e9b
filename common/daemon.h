/*
 * Exit codes of the broker, a worker and its children, for the program that started them.
 * `fetchmedia up` (cli/stack.c) restarts a worker unless its code is FM_DAEMON_SETTING or above,
 * because another start would end the same way; so a new code's number decides whether a worker is
 * restarted.
 */
#ifndef FM_COMMON_DAEMON_H
#define FM_COMMON_DAEMON_H

enum fm_daemon_exit {
    FM_DAEMON_STOPPED = 0,       /* ended by a signal, or its work is done */
    FM_DAEMON_FAILED = 1,        /* failed for a reason that may pass; see the log */
    FM_DAEMON_SETTING = 2,       /* a setting or an argument is wrong */
    FM_DAEMON_UNSEALED = 3,      /* the media child's sandbox lets a forbidden call through */
    FM_DAEMON_REVOKED = 4,       /* the broker has revoked the worker's node */
    FM_DAEMON_SUPERSEDED = 5,    /* a later boot of the same node has taken the worker's place */
    FM_DAEMON_VERSION = 6,       /* the broker speaks another version of the protocol */
    FM_DAEMON_NOT_STARTED = 127, /* the program could not be executed; a shell exits with 127 too */
};

#endif
