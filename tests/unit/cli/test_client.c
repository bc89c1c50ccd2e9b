#include "tests/unit/common/server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/client.h"
#include "common/file.h"

#define KEY "sk_012345678901234567890123456789011BbS2f" /* its checksum is right */

/* A home of its own, and nothing else in the environment that the client reads. */
struct home {
    char path[64];
};

static void home_open(struct home *home)
{
    snprintf(home->path, sizeof(home->path), "/tmp/fm-client-XXXXXX");
    assert_non_null(mkdtemp(home->path));
    setenv("HOME", home->path, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("FETCHMEDIA_URL");
    unsetenv("FETCHMEDIA_API_KEY");
    unsetenv("FETCHMEDIA_API_KEY_FILE");
}

static void home_done(struct home *home)
{
    assert_true(fm_file_remove_tree(AT_FDCWD, home->path, NULL));
}

static void write_file(const struct home *home, const char *name, const char *text, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", home->path, name);
    assert_true(fm_file_write(path, mode, fm_slice_of(text), NULL));
}

static struct fm_client client_of(const struct server *server)
{
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", server->port);
    return (struct fm_client){fm_strdup(url), fm_strdup(KEY)};
}

static char *reply(const char *status, const char *headers, const char *body)
{
    struct fm_text text = {0};
    fm_text_format(&text, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
                   strlen(body), body);
    return fm_text_take(&text);
}

/* ---- where address and key come from ---- */

static void what_is_kept_is_found_again(void **state)
{
    (void)state;
    struct home home;
    struct stat status;
    struct fm_client client;
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    home_open(&home);
    assert_true(fm_client_save("http://127.0.0.1:8080//", KEY "\n", NULL));
    assert_true(fm_client_config_path(&path, NULL));
    assert_int_equal(stat(fm_text_get(&path), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(fm_client_open(&client, NULL));
    assert_string_equal(client.base_url, "http://127.0.0.1:8080");
    assert_string_equal(client.api_key, KEY);
    fm_client_done(&client);
    home_done(&home);
}

static void a_config_file_others_may_read_is_refused(void **state)
{
    (void)state;
    static const mode_t open_to_others[] = {0640, 0604, 0620, 0644};
    struct home home;
    struct fm_client client;
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    home_open(&home);
    assert_true(fm_client_save("http://127.0.0.1:8080", KEY, NULL));
    assert_true(fm_client_config_path(&path, NULL));
    for (size_t i = 0; i < FM_COUNT(open_to_others); i++) {
        struct fm_error err = {0};
        assert_int_equal(chmod(fm_text_get(&path), open_to_others[i]), 0);
        assert_false(fm_client_open(&client, &err));
        assert_int_equal(err.code, FM_SETTING);
        assert_non_null(strstr(err.detail, "chmod 600"));
    }
    home_done(&home);
}

static void the_environment_is_stronger_than_the_file(void **state)
{
    (void)state;
    struct home home;
    struct fm_client client;
    home_open(&home);
    assert_true(fm_client_save("http://127.0.0.1:8080", KEY, NULL));
    setenv("FETCHMEDIA_API_KEY", "sk_other", 1);
    assert_true(fm_client_open(&client, NULL));
    assert_string_equal(client.base_url, "http://127.0.0.1:8080");
    assert_string_equal(client.api_key, "sk_other");
    fm_client_done(&client);
    home_done(&home);
}

static void a_kept_key_goes_to_its_own_address_only(void **state)
{
    (void)state;
    struct home home;
    struct fm_client client;
    struct fm_error err = {0};
    home_open(&home);
    assert_true(fm_client_save("http://127.0.0.1:8080", KEY, NULL));
    setenv("FETCHMEDIA_URL", "http://127.0.0.1:8081/", 1);
    assert_false(fm_client_open(&client, &err));
    assert_int_equal(err.code, FM_SETTING);
    setenv("FETCHMEDIA_URL", "http://127.0.0.1:8080/", 1);
    assert_true(fm_client_open(&client, NULL));
    fm_client_done(&client);
    home_done(&home);
}

static void a_key_may_come_from_a_file_of_its_own(void **state)
{
    (void)state;
    struct home home;
    struct fm_client client;
    char path[256];
    home_open(&home);
    write_file(&home, "key", " " KEY "\n", 0600);
    snprintf(path, sizeof(path), "%s/key", home.path);
    setenv("FETCHMEDIA_URL", "https://media.example/base/", 1);
    setenv("FETCHMEDIA_API_KEY_FILE", path, 1);
    assert_true(fm_client_open(&client, NULL));
    assert_string_equal(client.base_url, "https://media.example/base");
    assert_string_equal(client.api_key, KEY);
    fm_client_done(&client);
    home_done(&home);
}

static void a_wrong_setting_is_said(void **state)
{
    (void)state;
    struct home home;
    struct fm_client client;
    static const struct {
        const char *url, *key;
    } wrong[] = {
        {"ftp://media.example", KEY},
        {"http://media.example/?a=b", KEY},
        {"http://media.example", "sk_a\r\nX-Evil: 1"},
        {"http://media.example", "  "},
        {"", KEY},
    };
    home_open(&home);
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_error err = {0};
        setenv("FETCHMEDIA_URL", wrong[i].url, 1);
        setenv("FETCHMEDIA_API_KEY", wrong[i].key, 1);
        assert_false(fm_client_open(&client, &err));
        assert_int_equal(err.code, FM_SETTING);
    }
    home_done(&home);
}

/* As every command does: its own destructor runs after the one of the failed open. */
static void a_client_that_was_not_opened_may_be_done(void **state)
{
    (void)state;
    struct home home;
    struct fm_error err = {0};
    home_open(&home);
    setenv("FETCHMEDIA_URL", "http://127.0.0.1:8080", 1);
    FM_AUTO(fm_client_done) struct fm_client client = {0};
    assert_false(fm_client_open(&client, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_non_null(strstr(err.detail, "no key for http://127.0.0.1:8080"));
    assert_null(client.base_url);
    home_done(&home);
}

/* A slip while pasting is told at once, not by the first command's refusal. */
static void only_a_well_formed_key_is_kept(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "hello", "sk_0123456789", (KEY "0"), ("S" KEY)};
    struct home home;
    home_open(&home);
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_error err = {0};
        assert_false(fm_client_save("http://127.0.0.1:8080", wrong[i], &err));
        assert_int_equal(err.code, FM_SETTING);
        assert_null(strstr(err.detail, "hello"));
    }
    assert_int_equal(rmdir(home.path), 0); /* no file was made */
}

static void an_unknown_line_in_the_config_file_is_said(void **state)
{
    (void)state;
    struct home home;
    struct fm_client client;
    struct fm_error err = {0};
    home_open(&home);
    setenv("XDG_CONFIG_HOME", home.path, 1);
    write_file(&home, "probe", "", 0600);
    char path[256];
    snprintf(path, sizeof(path), "%s/fetchmedia", home.path);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(&home, "fetchmedia/config", "# ours\n\nurl = http://127.0.0.1:1\nkey = x\n", 0600);
    assert_false(fm_client_open(&client, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_non_null(strstr(err.detail, "\"key\""));
    home_done(&home);
}

/* ---- calls ---- */

static void a_call_carries_key_and_body(void **state)
{
    (void)state;
    struct server server = {0};
    struct fm_client_answer answer;
    server_route(&server, "/v1/videos", CLOSE,
                 reply("202 Accepted", "Retry-After: 7\r\n", "{\"id\":\"job_1\"}"));
    server_start(&server);
    FM_AUTO(fm_client_done) struct fm_client client = client_of(&server);
    assert_true(fm_client_call(&client, "POST", "/v1/videos", "{\"url\":\"x\"}", &answer, NULL));
    assert_int_equal(answer.status, 202);
    assert_int_equal(answer.retry_after_seconds, 7);
    assert_string_equal(fm_json_text(fm_json_get(answer.json, "id")), "job_1");
    assert_true(fm_client_check(&answer, NULL));
    server_stop(&server);
    assert_non_null(strstr(server.last_request, "POST /v1/videos HTTP/1.1\r\n"));
    assert_non_null(strstr(server.last_request, "Authorization: Bearer " KEY "\r\n"));
    assert_non_null(strstr(server.last_request, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(server.last_request, "\r\n\r\n{\"url\":\"x\"}"));
    fm_client_answer_done(&answer);
}

static void a_refusal_is_an_answer_in_the_service_s_words(void **state)
{
    (void)state;
    struct server server = {0};
    struct fm_client_answer answer;
    struct fm_error err = {0};
    server_route(&server, "/v1/me", CLOSE,
                 reply("401 Unauthorized", "",
                       "{\"error\":{\"code\":\"invalid_token\",\"message\":\"Invalid or expired "
                       "API key\"}}"));
    server_start(&server);
    FM_AUTO(fm_client_done) struct fm_client client = client_of(&server);
    assert_true(fm_client_call(&client, "GET", "/v1/me", NULL, &answer, NULL));
    assert_int_equal(answer.status, 401);
    assert_false(fm_client_check(&answer, &err));
    assert_int_equal(err.code, FM_INVALID_TOKEN);
    assert_string_equal(err.message, "Invalid or expired API key");
    server_stop(&server);
    fm_client_answer_done(&answer);
}

static void an_answer_that_is_no_json_has_none(void **state)
{
    (void)state;
    struct server server = {0};
    struct fm_client_answer answer;
    struct fm_error err = {0};
    server_route(&server, "/a", CLOSE, reply("200 OK", "", "<html>"));
    server_route(&server, "/b", CLOSE, reply("502 Bad Gateway", "", "<html>"));
    server_start(&server);
    FM_AUTO(fm_client_done) struct fm_client client = client_of(&server);
    assert_true(fm_client_call(&client, "GET", "/a", NULL, &answer, NULL));
    assert_null(answer.json);
    assert_string_equal(fm_text_get(&answer.body), "<html>");
    assert_false(fm_client_check(&answer, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    fm_client_answer_done(&answer);
    assert_true(fm_client_call(&client, "GET", "/b", NULL, &answer, NULL));
    assert_false(fm_client_check(&answer, &err));
    assert_int_equal(err.code, FM_UNAVAILABLE);
    fm_client_answer_done(&answer);
    server_stop(&server);
}

/* A bound port that nobody listens on stays silent for as long as the test holds it. */
static int silent_port(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void nobody_at_the_address_is_unavailable(void **state)
{
    (void)state;
    struct server nobody = {0};
    struct fm_client_answer answer;
    struct fm_error err = {0};
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    long status = 0;
    FM_AUTO(fm_file_close) int fd = silent_port(&nobody.port);
    FM_AUTO(fm_client_done) struct fm_client client = client_of(&nobody);
    assert_false(fm_client_call(&client, "GET", "/v1/me", NULL, &answer, &err));
    assert_int_equal(err.code, FM_UNAVAILABLE);
    assert_non_null(strstr(err.detail, client.base_url));
    fm_client_answer_done(&answer);
    assert_false(fm_client_get_plain(client.base_url, "/readyz", &status, &body));
}

static void a_proxy_of_the_environment_is_not_for_loopback(void **state)
{
    (void)state;
    struct server server = {0};
    struct server nobody = {0};
    long status = 0;
    char proxy[64];
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    FM_AUTO(fm_file_close) int fd = silent_port(&nobody.port);
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", nobody.port);
    server_route(&server, "/healthz", CLOSE, reply("200 OK", "", "ok"));
    server_start(&server);
    FM_AUTO(fm_client_done) struct fm_client client = client_of(&server);
    setenv("http_proxy", proxy, 1);
    bool has_answer = fm_client_get_plain(client.base_url, "/healthz", &status, &body);
    unsetenv("http_proxy");
    server_stop(&server);
    assert_true(has_answer);
    assert_int_equal(status, 200);
    assert_string_equal(fm_text_get(&body), "ok");
    assert_null(strstr(server.last_request, "Authorization"));
}

/* ---- downloads ---- */

static void download_all(const struct fm_client *client, const struct home *home)
{
    char url[128], path[128];
    struct fm_error err = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    snprintf(path, sizeof(path), "%s/reel.mp4", home->path);
    snprintf(url, sizeof(url), "%s/gone", client->base_url);
    assert_false(fm_client_download(url, path, &err));
    assert_int_equal(err.code, FM_NOT_FOUND);
    snprintf(url, sizeof(url), "%s/short", client->base_url);
    assert_false(fm_client_download(url, path, &err));
    assert_int_equal(err.code, FM_UNAVAILABLE);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(url, sizeof(url), "%s/moved", client->base_url);
    assert_true(fm_client_download(url, path, &err));
    assert_true(fm_file_read(path, 64, &bytes, NULL));
    assert_string_equal(fm_text_get(&bytes), "film");
    assert_false(fm_client_download(url, path, &err));
    assert_int_equal(err.code, FM_ALREADY_EXISTS);
}

static void a_download_is_whole_or_not_there(void **state)
{
    (void)state;
    struct server server = {0};
    struct home home;
    home_open(&home);
    server_route(&server, "/film", CLOSE, reply("200 OK", "", "film"));
    server_route(&server, "/moved", CLOSE, reply("302 Found", "Location: /film\r\n", ""));
    server_route(&server, "/gone", CLOSE, reply("410 Gone", "", "gone"));
    server_route(&server, "/short", CLOSE,
                 fm_strdup("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    server_start(&server);
    FM_AUTO(fm_client_done) struct fm_client client = client_of(&server);
    download_all(&client, &home);
    server_stop(&server);
    assert_null(strstr(server.last_request, "Authorization"));
    /* Nothing but the one file is left: the directory is empty without it. */
    char path[128];
    snprintf(path, sizeof(path), "%s/reel.mp4", home.path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(home.path), 0);
}

/* Starts a download of half a file and waits until that half is on the disk. */
static pid_t begin_download(const char *url, const char *path)
{
    char part[192];
    struct stat status = {0};
    pid_t pid = fork();
    if (pid == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        _exit(fm_client_download(url, path, NULL) ? 0 : 1);
    }
    snprintf(part, sizeof(part), "%s.part-%d", path, (int)pid);
    for (int i = 0; i < 1000 && (stat(part, &status) != 0 || status.st_size == 0); i++) {
        usleep(10000);
    }
    assert_true(status.st_size > 0);
    return pid;
}

static void an_interrupted_download_leaves_nothing(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it calls no handler in a child forked by a process of many threads */
#endif
    struct server server = {0};
    struct home home;
    char url[128], path[128];
    int status = 0;
    home_open(&home);
    server_route(&server, "/film", HOLD,
                 fm_strdup("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
    server_start(&server);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/film", server.port);
    snprintf(path, sizeof(path), "%s/reel.mp4", home.path);
    pid_t pid = begin_download(url, path);
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    server_stop(&server);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
    assert_int_equal(rmdir(home.path), 0); /* it is empty */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_found_again),
        cmocka_unit_test(a_config_file_others_may_read_is_refused),
        cmocka_unit_test(the_environment_is_stronger_than_the_file),
        cmocka_unit_test(a_kept_key_goes_to_its_own_address_only),
        cmocka_unit_test(a_key_may_come_from_a_file_of_its_own),
        cmocka_unit_test(a_wrong_setting_is_said),
        cmocka_unit_test(a_client_that_was_not_opened_may_be_done),
        cmocka_unit_test(only_a_well_formed_key_is_kept),
        cmocka_unit_test(an_unknown_line_in_the_config_file_is_said),
        cmocka_unit_test(a_call_carries_key_and_body),
        cmocka_unit_test(a_refusal_is_an_answer_in_the_service_s_words),
        cmocka_unit_test(an_answer_that_is_no_json_has_none),
        cmocka_unit_test(nobody_at_the_address_is_unavailable),
        cmocka_unit_test(a_proxy_of_the_environment_is_not_for_loopback),
        cmocka_unit_test(a_download_is_whole_or_not_there),
        cmocka_unit_test(an_interrupted_download_leaves_nothing),
    };
    return cmocka_run_group_tests_name("cli/client", tests, NULL, NULL);
}
