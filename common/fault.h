/*
 * Crash points, in test builds only (MODE=faults): `fm_fault("finish_committed");` marks a place
 * between two steps where a test can make the process die or stand still. In every other build the
 * call compiles to nothing.
 *
 * A rule comes from the environment, FM_FAULT=point:action[:n],…: act when this process passes the
 * point for the n-th time, once. Or from a file `fault` in the program's directory, a page of rules
 * that all processes of that directory share, sealed children too; the test writes it while they
 * run (tests/long/faults.py). Actions: kill, stop, exit.
 */
#ifndef FM_COMMON_FAULT_H
#define FM_COMMON_FAULT_H

void fm_fault(const char *point);
#ifndef FM_FAULTS
#define fm_fault(point) ((void)0)
#endif

#endif
