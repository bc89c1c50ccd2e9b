#include "broker/db/hosts.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"

bool fm_db_hosts_check(const char *url, struct fm_error *err)
{
    bool is_name = strchr(url, '=') == NULL && strstr(url, "://") == NULL;
    PQconninfoOption *options = is_name ? NULL : PQconninfoParse(url, NULL);
    bool is_read = is_name || options != NULL;
    PQconninfoFree(options);
    return is_read ||
           fm_fail(err, FM_SETTING,
                   "database_url cannot be read; write postgresql://USER@HOST/NAME, with "
                   "%%XX for what is special in a password");
}

struct pg_conn *fm_db_hosts_connect(const struct fm_db_hosts *hosts, const char *url)
{
    /* Options after dbname override those of the URL, except where they are NULL. */
    const char *const names[] = {
        "dbname",          "host", "hostaddr", "port", "keepalives_idle", "tcp_user_timeout",
        "client_encoding", NULL};
    const char *const values[] = {url,  hosts->host, hosts->hostaddr, hosts->port,
                                  "10", "30000",     "UTF8",          NULL};
    PGconn *conn = PQconnectStartParams(names, values, 1);
    if (conn == NULL) {
        abort();
    }
    return conn;
}

/* "a,b,c" becomes "b,c,a". A list of one item (such as a port for all hosts) stays as it is. */
static void turn_list(char **list, const char *now)
{
    FM_AUTO(fm_text_done) struct fm_text turned = {0};
    const char *comma = now == NULL ? NULL : strchr(now, ',');
    if (comma == NULL) {
        return;
    }
    fm_text_format(&turned, "%s,%.*s", comma + 1, (int)(comma - now), now);
    free(*list);
    *list = fm_text_take(&turned);
}

/* Reads the lists from the connection, since they may come from the URL, a service file or PGHOST.
 */
void fm_db_hosts_turn(struct fm_db_hosts *hosts, struct pg_conn *conn)
{
    PQconninfoOption *options = PQconninfo(conn);
    for (const PQconninfoOption *option = options; option && option->keyword; option++) {
        if (strcmp(option->keyword, "host") == 0) {
            turn_list(&hosts->host, option->val);
        } else if (strcmp(option->keyword, "hostaddr") == 0) {
            turn_list(&hosts->hostaddr, option->val);
        } else if (strcmp(option->keyword, "port") == 0) {
            turn_list(&hosts->port, option->val);
        }
    }
    PQconninfoFree(options);
}

void fm_db_hosts_done(struct fm_db_hosts *hosts)
{
    free(hosts->host);
    free(hosts->hostaddr);
    free(hosts->port);
    *hosts = (struct fm_db_hosts){0};
}
