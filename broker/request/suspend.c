/* Suspend first, hand the work over second: see suspend.h. */
#include "broker/request/suspend.h"

#include <assert.h>

#include "common/clock.h"

void fm_suspend_begin(struct fm_suspend *wait, struct fm_http_exchange *exchange)
{
    assert(fm_suspend_is_over(wait));
    wait->exchange = exchange;
    atomic_store(&wait->left, 1);
    fm_http_hold(exchange);
    fm_http_wait(exchange, FM_CLOCK_NEVER);
}

void fm_suspend_expect(struct fm_suspend *wait)
{
    atomic_fetch_add(&wait->left, 1);
}

void fm_suspend_wake(struct fm_suspend *wait)
{
    /* The exchange is read first: once this result is counted, another thread's wake may be the
     * last, the request may end, and `wait` with it. */
    struct fm_http_exchange *exchange = wait->exchange;
    if (atomic_fetch_sub(&wait->left, 1) == 1) {
        fm_http_resume(exchange);
        fm_http_release(exchange);
    }
}

bool fm_suspend_is_over(const struct fm_suspend *wait)
{
    return atomic_load(&wait->left) == 0;
}
