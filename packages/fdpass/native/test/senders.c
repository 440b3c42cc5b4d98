#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLOSED_FD 99999

/* Sends bytes and a descriptor from a child, which ends, and returns its pid. */
static pid_t send_from_child(int socket, const char *bytes, size_t length) {
  pid_t pid = fork();
  if (pid == 0) _exit(fdpass_send(socket, bytes, length, (int[]){0}, 1, 0) == (ssize_t)length ? 0 : 1);
  int status;
  assert(waitpid(pid, &status, 0) == pid && status == 0);
  return pid;
}

void test_senders(void) {
  int pair[2], fds[FDPASS_MAX_DESCRIPTORS];
  char bytes[100];
  struct fdpass_credentials sender;
  struct fdpass_received received;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  size_t open = open_descriptors();
  assert(fdpass_send(pair[1], "x", 1, NULL, 0, 0) == 1);
  assert(fdpass_pass_credentials(pair[0], 1) == 0 && fdpass_pass_credentials(CLOSED_FD, 1) == -EBADF);
  assert(fdpass_peek_sender(pair[0], &sender) == 1 && sender.pid == 0); /* sent before */
  assert(fdpass_receive(pair[0], bytes, sizeof bytes, fds, &received, FDPASS_PEEK) == 1);
  assert(fdpass_peek_sender(pair[0], &sender) == -EAGAIN && fdpass_peek_sender(CLOSED_FD, &sender) == -EBADF);

  pid_t child = send_from_child(pair[1], "child", 5);
  assert(fdpass_send(pair[1], "self", 4, NULL, 0, 0) == 4);
  for (int i = 0; i < 2; i++) /* it is reaped already */
    assert(fdpass_peek_sender(pair[0], &sender) == 1 && sender.pid == child && sender.uid == getuid());
  assert(open_descriptors() == open);
  assert(fdpass_receive(pair[0], bytes, sizeof bytes, fds, &received, FDPASS_PEEK) == 5 && received.count == 1);
  close(fds[0]);
  assert(fdpass_peek_sender(pair[0], &sender) == 1 && sender.pid == getpid());
  assert(fdpass_receive(pair[0], bytes, sizeof bytes, fds, &received, FDPASS_PEEK) == 4 && received.count == 0);

  assert(fdpass_pass_credentials(pair[0], 0) == 0);
  assert(fdpass_send(pair[1], "x", 1, NULL, 0, 0) == 1);
  assert(fdpass_peek_sender(pair[0], &sender) == 1 && sender.pid == 0);
  assert(fdpass_receive(pair[0], bytes, sizeof bytes, fds, &received, FDPASS_PEEK) == 1);
  close(pair[1]);
  assert(fdpass_peek_sender(pair[0], &sender) == 0);
  close(pair[0]);
}
