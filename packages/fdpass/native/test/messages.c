/* The C interface without JavaScript, for valgrind: every path of messages and
 * connections, the failing ones also. Ends with 0 when all is as it should be. */
#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[FDPASS_MAX_DESCRIPTORS];
static struct fdpass_received received;
static char bytes[64];

static ssize_t receive(int socket, int flags) {
  return fdpass_receive(socket, bytes, sizeof bytes, fds, &received, flags);
}

static void close_received(void) {
  for (size_t i = 0; i < received.count; i++) assert(fdpass_close(fds[i]) == 0);
}

static void passing(int type) {
  int pair[2], many[FDPASS_MAX_DESCRIPTORS];
  assert(fdpass_socketpair(type, pair) == 0);
  for (int i = 0; i < FDPASS_MAX_DESCRIPTORS; i++) many[i] = 0;
  for (int flags = 0; flags < 4; flags++) {
    assert(receive(pair[1], flags | FDPASS_DONT_WAIT) == -EAGAIN);
    assert(fdpass_pending(pair[1]) == -EAGAIN);
    assert(fdpass_send(pair[0], "abc", 3, many, FDPASS_MAX_DESCRIPTORS, flags & FDPASS_DONT_WAIT) == 3);
    assert(fdpass_pending(pair[1]) == 1);
    assert(receive(pair[1], flags) == 3 && received.count == FDPASS_MAX_DESCRIPTORS);
    assert(memcmp(bytes, "abc", 3) == 0);
    assert(fdpass_get_close_on_exec(fds[0]) == 1);
    close_received();
  }
  assert(fdpass_send(pair[0], "a", 1, many, FDPASS_MAX_DESCRIPTORS + 1, 0) == -EINVAL);
  many[1] = 99999;
  assert(fdpass_send(pair[0], "a", 1, many, 2, 0) == -EBADF);
  assert(fdpass_send(0x7fffffff, "a", 1, NULL, 0, 0) == -EBADF);
  fdpass_close(pair[0]);
  if (type == SOCK_STREAM) {
    assert(fdpass_pending(pair[1]) == 0);
    assert(receive(pair[1], FDPASS_PEEK) == 0 && received.count == 0);
    assert(fdpass_write(pair[1], "a", 1) == -EPIPE);
  }
  fdpass_close(pair[1]);
}

static void full_table(void) {
  int pair[2], three[3] = {0, 1, 2}, hoard[256];
  size_t held = 0;
  struct rlimit limit, small;
  getrlimit(RLIMIT_NOFILE, &limit);
  small = limit;
  small.rlim_cur = 64;
  setrlimit(RLIMIT_NOFILE, &small);
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  assert(fdpass_send(pair[0], "x", 1, three, 3, 0) == 1);
  for (int fd; (fd = fdpass_duplicate(0)) >= 0;) hoard[held++] = fd;
  for (int slots = 0; slots < 3; slots++) {
    assert(receive(pair[1], FDPASS_PEEK) == -EMFILE);
    close(hoard[--held]);
  }
  assert(receive(pair[1], FDPASS_PEEK) == 1 && received.count == 3);
  close_received();
  assert(fdpass_send(pair[0], "x", 1, three, 3, 0) == 1);
  hoard[held++] = fdpass_duplicate(0);
  assert(receive(pair[1], 0) == -EBADMSG && received.count == 0);
  int other[2];
  while (held > 0) close(hoard[--held]);
  for (int fd; (fd = fdpass_duplicate(0)) >= 0;) hoard[held++] = fd;
  assert(fdpass_socketpair(SOCK_STREAM, other) == -EMFILE && fdpass_pipe(other) == -EMFILE);
  assert(fdpass_connect("/none", 5) == -EMFILE && fdpass_listen("/none", 5, 1) == -EMFILE);
  while (held > 0) close(hoard[--held]);
  close(pair[0]);
  close(pair[1]);
  setrlimit(RLIMIT_NOFILE, &limit);
}

static void connections(void) {
  char path[] = "/tmp/fdpass-test-XXXXXX";
  int file = mkstemp(path);
  struct fdpass_credentials credentials;
  struct fdpass_socket_kind kind;
  assert(fdpass_listen(path, strlen(path), 1) == -EADDRINUSE);
  close(file);
  unlink(path);
  int listener = fdpass_listen(path, strlen(path), 1);
  int client = fdpass_connect(path, strlen(path));
  int server = fdpass_accept(listener);
  assert(listener >= 0 && client >= 0 && server >= 0);
  assert(fdpass_get_nonblocking(client) == 0);
  assert(fdpass_peer_credentials(server, &credentials) == 0 && credentials.pid == getpid());
  assert(fdpass_peer_credentials(listener, &credentials) <= 0);
  assert(fdpass_socket_kind(client, &kind) == 0 && kind.is_unix && kind.type == SOCK_STREAM && !kind.is_listening);
  assert(fdpass_socket_kind(listener, &kind) == 0 && kind.is_unix && kind.is_listening);
  assert(fdpass_socket_kind(0x7fffffff, &kind) == -EBADF);
  assert(fdpass_shutdown(client, SHUT_WR) == 0 && fdpass_shutdown(0x7fffffff, SHUT_WR) == -EBADF);
  fdpass_close(listener);
  listener = fdpass_listen(path, strlen(path), 1);
  assert(listener >= 0);
  fdpass_close(listener);
  assert(fdpass_connect(path, strlen(path)) == -ECONNREFUSED);
  unlink(path);
  assert(fdpass_connect(path, strlen(path)) == -ENOENT);
  char longest[200];
  memset(longest, 'x', sizeof longest);
  assert(fdpass_connect(longest, sizeof longest) == -ENAMETOOLONG);
  assert(fdpass_connect("a\0b", 3) == -EINVAL && fdpass_connect("", 0) == -EINVAL);
  fdpass_close(client);
  fdpass_close(server);
}

size_t open_descriptors(void) {
  size_t count = 0;
  for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* With an argument, the limit of descriptors is left alone: valgrind only pretends to set it. */
int main(int argc, char **argv) {
  (void)argv;
  passing(SOCK_STREAM);
  passing(SOCK_SEQPACKET);
  passing(SOCK_DGRAM);
  if (argc == 1) full_table();
  refusal();
  many();
  connections();
  assert(fdpass_close(99999) == -EBADF && fdpass_duplicate(99999) == -EBADF);
  assert(fdpass_set_nonblocking(99999, 1) == -EBADF && fdpass_set_close_on_exec(99999, 1) == -EBADF);
  puts("all as it should be");
  return 0;
}
