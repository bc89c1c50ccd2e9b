/*
 * Deletes what is past its time: expired files are removed from the store and then from the
 * database, old partitions of job rows are dropped (and coming ones are created ahead), and stored
 * attempts that no file row names and no lease holds are swept (docs/architecture.md, law 9).
 * Owns: a thread and a connection, so no request ever waits for it. A pass that fails is logged and
 * tried again at the next one.
 */
#ifndef FM_BROKER_OPERATOR_RETENTION_H
#define FM_BROKER_OPERATOR_RETENTION_H

#include "broker/config/settings.h"
#include "broker/store/store.h"

struct fm_retention;
/* Starts the thread. Both arguments are borrowed. */
struct fm_retention *fm_retention_new(const struct fm_broker_settings *settings,
                                      struct fm_store *store);
/* Stops the thread and waits for the work it is doing. */
void fm_retention_destroy(struct fm_retention **retention);

#endif
