/*
 * Everything that opens a file on first use, used once before the seal: after it there are no
 * files.
 */
#ifndef FM_WORKER_MEDIA_WARM_H
#define FM_WORKER_MEDIA_WARM_H

void fm_warm_up(void);

#endif
