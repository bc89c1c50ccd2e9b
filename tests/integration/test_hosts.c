/* Tests a database URL with several hosts, of which the first accepts connections and never
 * answers. */
#include "tests/integration/postgres.h"

/* cmocka.h needs these headers before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"

#define WAIT_MS 15000
#define SECRET "hunter2"

static struct postgres postgres;

static int open_postgres(void **state)
{
    (void)state;
    postgres_start(&postgres);
    return 0;
}

static int close_postgres(void **state)
{
    (void)state;
    postgres_stop(&postgres);
    return 0;
}

/* The kernel accepts connections into the backlog; nobody reads from them. */
static int listen_silently(const struct sockaddr *place, socklen_t length)
{
    int fd = socket(place->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, place, length), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static int listen_at_port(unsigned *port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(place);
    int fd = listen_silently((struct sockaddr *)&place, length);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&place, &length), 0);
    *port = ntohs(place.sin_port);
    return fd;
}

static int listen_below(const char *folder)
{
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(place.sun_path, sizeof(place.sun_path), "%s/.s.PGSQL.5432", folder);
    return listen_silently((struct sockaddr *)&place, sizeof(place));
}

static bool is_in(struct fm_db *db)
{
    bool is_idle = fm_db_pump(db) == FM_DB_IDLE;
    assert_null(strstr(fm_db_trouble(db), SECRET));
    return is_idle;
}

/* Pumps both at once, because each waits five seconds for the silent host. */
static void pump_until_in(struct fm_db *one, struct fm_db *other)
{
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    bool is_one_in = false, is_other_in = false;
    while (!is_one_in || !is_other_in) {
        if (fm_clock_ms() >= deadline) {
            fail_msg("connect: %s; %s", fm_db_trouble(one), fm_db_trouble(other));
        }
        poll(NULL, 0, 20);
        is_one_in = is_in(one);
        is_other_in = is_in(other);
    }
}

static void after_a_silent_host_the_next_one_is_tried(void **state)
{
    (void)state;
    unsigned port;
    char folder[80], one_port[512], lists[512];
    snprintf(folder, sizeof(folder), "%s/silent", postgres.folder);
    FM_AUTO(fm_file_close) int at_port = listen_at_port(&port), below = listen_below(folder);
    snprintf(one_port, sizeof(one_port),
             "postgresql://fm:" SECRET "@/fetchmedia?host=%s,%s&port=5432", folder,
             postgres.folder);
    snprintf(lists, sizeof(lists),
             "host='nowhere,%s' hostaddr='127.0.0.1,' port='%u,5432' user=fm password=" SECRET
             " dbname=fetchmedia connect_timeout=2 target_session_attrs=read-write",
             postgres.folder, port);
    struct fm_db *one = fm_db_new(one_port, FM_DB_QUEUE), *other = fm_db_new(lists, FM_DB_READ);
    int64_t begun = fm_clock_ms();
    pump_until_in(one, other);
    assert_true(fm_clock_ms() - begun > 1000); /* both waited for the silent host */
    fm_db_close(&one);
    fm_db_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_silent_host_the_next_one_is_tried),
    };
    return cmocka_run_group_tests_name("hosts", tests, open_postgres, close_postgres);
}
