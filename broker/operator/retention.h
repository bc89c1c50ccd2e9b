/*
 * What goes when its time is over: expired files leave the store and then their rows, days of job
 * rows are dropped (and made ahead), and stored attempts that no file names and no lease holds are
 * swept (docs/architecture.md, law 9). Owns: a thread and a connection. Never in anyone's way: a
 * pass that fails begins anew.
 */
#ifndef FM_BROKER_OPERATOR_RETENTION_H
#define FM_BROKER_OPERATOR_RETENTION_H

#include "broker/config/settings.h"
#include "broker/store/store.h"

struct fm_retention;
/* Both are borrowed. */
struct fm_retention *fm_retention_new(const struct fm_broker_settings *settings,
                                      struct fm_store *store);
void fm_retention_destroy(struct fm_retention **retention);

#endif
