/*
 * Declares the acts that route.def names. An act is the last step of a request, and is called until
 * it returns FM_STEP_REPLY. fm_NAME_act() and fm_NAME_…_act() are in NAME.c.
 */
#ifndef FM_BROKER_API_ACT_H
#define FM_BROKER_API_ACT_H

#include "broker/request/route.h"

#define FM_ROUTE(name, act, ...) enum fm_step act(struct fm_request *request);
#include "broker/api/route.def"
#undef FM_ROUTE

#endif
