/* The C interface without JavaScript, for valgrind: every path of messages and
 * connections, the failing ones also. Ends with 0 when all is as it should be. */
#include "../fdpass.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a security module does when it refuses a descriptor: the kernel drops it and
 * those after it, and says so by a flag. Linked with --wrap=recvmsg,--wrap=recvmmsg. */
static int is_refusing, recvmsg_calls;
ssize_t __real_recvmsg(int socket, struct msghdr *message, int flags);
int __real_recvmmsg(int socket, struct mmsghdr *messages, unsigned length, int flags, struct timespec *timeout);

static void refuse(struct msghdr *message) {
  struct cmsghdr *header = message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL;
  if (header == NULL || header->cmsg_type != SCM_RIGHTS) return;
  for (size_t i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) close(((int *)CMSG_DATA(header))[i]);
  message->msg_controllen = 0;
  message->msg_flags |= MSG_CTRUNC;
}

ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags) {
  ssize_t n = __real_recvmsg(socket, message, flags);
  recvmsg_calls++;
  if (n >= 0 && is_refusing) refuse(message);
  return n;
}

int __wrap_recvmmsg(int socket, struct mmsghdr *messages, unsigned length, int flags, struct timespec *timeout) {
  int n = __real_recvmmsg(socket, messages, length, flags, timeout);
  for (int i = 0; i < n && is_refusing; i++) refuse(&messages[i].msg_hdr);
  return n;
}

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

static size_t open_descriptors(void) {
  size_t count = 0;
  for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* A refusal is told, once for each message, after a bounded number of tries, and
 * leaves the stream in step. */
static void refusal(void) {
  int pair[2], one = 0;
  struct fdpass_many many;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  size_t open = open_descriptors();
  for (int i = 0; i < 3; i++) assert(fdpass_send(pair[0], "a", 1, &one, 1, 0) == 1);
  assert(fdpass_write(pair[0], "bcd", 3) == 3);
  is_refusing = 1;
  recvmsg_calls = 0;
  assert(receive(pair[1], FDPASS_PEEK) == -EBADMSG && received.count == 0);
  assert(recvmsg_calls < 2000);
  assert(fdpass_receive_many(pair[1], fds, 64, &many, FDPASS_PEEK) == -EBADMSG);
  assert(receive(pair[1], 0) == -EBADMSG);
  assert(receive(pair[1], FDPASS_PEEK) == 3 && memcmp(bytes, "bcd", 3) == 0);
  /* Bytes before a descriptor that is refused are told without it. */
  assert(fdpass_write(pair[0], "x", 1) == 1 && fdpass_send(pair[0], "y", 1, &one, 1, 0) == 1);
  assert(fdpass_receive(pair[1], bytes, 1, fds, &received, FDPASS_PEEK) == 1 && bytes[0] == 'x');
  is_refusing = 0;
  assert(fdpass_receive(pair[1], bytes, 1, fds, &received, FDPASS_PEEK) == 1 && bytes[0] == 'y' && received.count == 1);
  close_received();
  assert(open_descriptors() == open);
  close(pair[0]);
  close(pair[1]);
}

static void many(void) {
  int pair[2], all[FDPASS_MAX_DESCRIPTORS + 1] = {0};
  struct fdpass_many result;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  size_t open = open_descriptors();
  for (size_t batch = 1; batch <= FDPASS_MAX_DESCRIPTORS; batch = batch * 2 + 1) {
    assert(fdpass_send_many(pair[0], all, FDPASS_MAX_DESCRIPTORS, batch, 0) == (ssize_t)(FDPASS_MAX_DESCRIPTORS / batch * batch));
    size_t left = FDPASS_MAX_DESCRIPTORS / batch * batch;
    while (left > 0) {
      ssize_t n = fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK);
      assert(n > 0 && (size_t)n <= left);
      assert(result.was_burst == (batch == 1) || left < 2);
      for (ssize_t i = 0; i < n; i++) assert(fdpass_get_close_on_exec(fds[i]) == 1 && close(fds[i]) == 0);
      left -= (size_t)n;
    }
    assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK | FDPASS_DONT_WAIT) == -EAGAIN);
  }
  assert(fdpass_send_many(pair[0], all, 0, 1, 0) == 0);
  assert(fdpass_send_many(pair[0], all, 1, 0, 0) == -EINVAL && fdpass_send_many(pair[0], all, 1, FDPASS_MAX_DESCRIPTORS + 1, 0) == -EINVAL);
  all[2] = 99999;
  assert(fdpass_send_many(pair[0], all, 5, 1, 0) == 2 && fdpass_send_many(pair[0], all + 2, 3, 1, 0) == -EBADF);
  assert(fdpass_send(pair[1], "x", 1, NULL, 0, 0) == 1);
  close(pair[0]); /* with something unread: a reset */
  assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK) == 1 && result.later == -ECONNRESET);
  received.count = 1;
  close_received();
  assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK) == 1);
  close_received();
  assert(fdpass_receive_many(pair[1], fds, 64, &result, FDPASS_PEEK) == 0 && result.later == 0);
  assert(fdpass_send_many(pair[1], all, 2, 1, 0) == -EPIPE);
  assert(open_descriptors() == open - 1);
  close(pair[1]);
}

static void connections(void) {
  char path[] = "/tmp/fdpass-test-XXXXXX";
  int file = mkstemp(path);
  struct fdpass_credentials credentials;
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
