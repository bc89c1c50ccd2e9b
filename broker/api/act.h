/*
 * The acts of route.def: the last step of a request, run until it answers FM_STEP_REPLY. Each
 * stands in the file of its name.
 */
#ifndef FM_BROKER_API_ACT_H
#define FM_BROKER_API_ACT_H

#include "broker/request/route.h"

#define FM_ROUTE(name, act, ...) enum fm_step act(struct fm_request *request);
#include "broker/api/route.def"
#undef FM_ROUTE

#endif
