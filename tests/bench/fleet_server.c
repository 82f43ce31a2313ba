/* Thousands of SSH hosts in one process, as cheap as libssh makes them: a thread a connection, each address of 127/8 a
   host with an answer of its own. "sh -s" is answered once standard input has ended, as a shell would; any other command
   at once. Usage: fleet_server PORT HOST_KEY AUTHORIZED_KEY ANSWERS, where ANSWERS begins with the number of hosts, then
   the length of each answer (32 bits each, this machine's order), then the answers; host n is 127.1.0.0 + n. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* 127.1.0.0 */
#define FIRST_ADDRESS 0x7f010000u
#define STACK_BYTES (256 * 1024)

static ssh_key allowed;
static uint32_t hosts, *lengths;
static const char **answers;

static void fail(const char *what) {
    fprintf(stderr, "fleet_server: %s\n", what);
    exit(1);
}

static void load(const char *path) {
    struct stat about;
    int file = open(path, O_RDONLY);
    if (file < 0 || fstat(file, &about) < 0) fail("no answers");
    uint32_t *all = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (all == MAP_FAILED) fail("answers cannot be mapped");
    hosts = all[0];
    lengths = all + 1;
    answers = calloc(hosts, sizeof *answers);
    const char *at = (const char *)(lengths + hosts);
    for (uint32_t n = 0; n < hosts; at += lengths[n++]) answers[n] = at;
}

static uint32_t host_of(ssh_session session) {
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    int one = 1, socket = ssh_get_fd(session);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (getsockname(socket, (struct sockaddr *)&own, &size) < 0) return hosts;
    return ntohl(own.sin_addr.s_addr) - FIRST_ADDRESS;
}

static void answer(ssh_channel channel, const char *command, uint32_t host) {
    char script[16384];
    if (strcmp(command, "sh -s") == 0)
        while (ssh_channel_read(channel, script, sizeof script, 0) > 0) continue;
    ssh_channel_write(channel, answers[host], lengths[host]);
    ssh_channel_request_send_exit_status(channel, 0);
    ssh_channel_send_eof(channel);
    ssh_channel_close(channel);
}

static int login(ssh_message message) {
    if (ssh_message_subtype(message) != SSH_AUTH_METHOD_PUBLICKEY ||
        ssh_key_cmp(ssh_message_auth_pubkey(message), allowed, SSH_KEY_CMP_PUBLIC) != 0) {
        ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_PUBLICKEY);
        return 0;
    }
    if (ssh_message_auth_publickey_state(message) == SSH_PUBLICKEY_STATE_VALID)
        ssh_message_auth_reply_success(message, 0);
    else
        ssh_message_auth_reply_pk_ok_simple(message);
    return 1;
}

static void *serve(void *given) {
    ssh_session session = given;
    uint32_t host = host_of(session);
    ssh_message message;
    ssh_channel channel = NULL;
    if (host < hosts && ssh_handle_key_exchange(session) == SSH_OK) {
        while ((message = ssh_message_get(session)) != NULL) {
            int type = ssh_message_type(message), kind = ssh_message_subtype(message), done = 0;
            if (type == SSH_REQUEST_AUTH) {
                done = login(message);
            } else if (type == SSH_REQUEST_CHANNEL_OPEN && kind == SSH_CHANNEL_SESSION) {
                channel = ssh_message_channel_request_open_reply_accept(message);
                done = channel != NULL;
            } else if (type == SSH_REQUEST_CHANNEL && kind == SSH_CHANNEL_REQUEST_EXEC && channel) {
                char *command = strdup(ssh_message_channel_request_command(message));
                ssh_message_channel_request_reply_success(message);
                ssh_message_free(message);
                answer(channel, command, host);
                free(command);
                ssh_channel_free(channel);
                channel = NULL;
                continue;
            } else if (type == SSH_REQUEST_SERVICE) {
                ssh_message_service_reply_success(message);
                done = 1;
            }
            if (!done) ssh_message_reply_default(message);
            ssh_message_free(message);
        }
    }
    ssh_disconnect(session);
    ssh_free(session);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 5) fail("PORT HOST_KEY AUTHORIZED_KEY ANSWERS");
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    load(arguments[4]);
    if (ssh_pki_import_pubkey_file(arguments[3], &allowed) != SSH_OK) fail("no authorized key");
    ssh_bind bind = ssh_bind_new();
    int no_configuration = 0;
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no_configuration);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BINDADDR, "0.0.0.0");
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BINDPORT_STR, arguments[1]);
    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_HOSTKEY, arguments[2]);
    if (ssh_bind_listen(bind) < 0) fail(ssh_get_error(bind));
    // libssh lets ten wait: whoever comes when more do is heard a second later, which would be all that is measured
    if (listen(ssh_bind_get_fd(bind), SOMAXCONN) != 0) fail("listen");
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    puts("ready");
    fflush(stdout);
    for (;;) {
        ssh_session session = ssh_new();
        pthread_t thread;
        if (ssh_bind_accept(bind, session) != SSH_OK || pthread_create(&thread, &attributes, serve, session) != 0)
            ssh_free(session);
    }
}
