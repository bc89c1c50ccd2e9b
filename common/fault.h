/*
 * Crash points, in test builds alone (MODE=faults): `fm_fault("finish_committed");` is where a
 * process can be made to die, or to stand still, between two steps. Everywhere else it is nothing.
 *
 * FM_FAULT=point:action[:n],… in the environment: at the n-th time this process comes by. A file
 * `fault` beside the program is a page of rules that all its processes share, sealed ones too; who
 * tests writes it while they run (tests/long/faults.py).
 */
#ifndef FM_COMMON_FAULT_H
#define FM_COMMON_FAULT_H

void fm_fault(const char *point);
#ifndef FM_FAULTS
#define fm_fault(point) ((void)0)
#endif

#endif
