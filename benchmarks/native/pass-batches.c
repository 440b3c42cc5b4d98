/* Passes at least argv[1] descriptors from one process to another, argv[2] in each message, at most 253: SCM_MAX_FD of
 * Linux. A tenth as many warm up. The receiver closes them, and acknowledges all with a byte. Prints the descriptors
 * per second. Nothing is lost: the receiver has room for every message, and exits with an error if one is truncated. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_BATCH 253

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(MAX_BATCH * sizeof(int))];
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Sends messages with the descriptor 0, so many times in each. */
static int send_messages(int socket, long messages, size_t batch) {
  static union control control;
  char byte = 0;
  struct iovec bytes = {.iov_base = &byte, .iov_len = 1};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.bytes};
  message.msg_controllen = CMSG_SPACE(batch * sizeof(int));
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(batch * sizeof(int));
  memset(CMSG_DATA(rights), 0, batch * sizeof(int));
  while (messages > 0) {
    if (sendmsg(socket, &message, MSG_NOSIGNAL) == 1)
      messages--;
    else if (errno == ETOOMANYREFS) /* as many are in flight as this user may have open: the receiver must go on */
      poll(NULL, 0, 1);
    else if (errno != EINTR)
      return -errno;
  }
  return 0;
}

/* Receives as many messages, and closes their descriptors. */
static int receive_messages(int socket, long messages, size_t batch) {
  static union control control;
  char byte;
  struct iovec bytes = {.iov_base = &byte, .iov_len = 1};
  while (messages > 0) {
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.bytes};
    message.msg_controllen = sizeof control.bytes;
    ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (n < 0 && errno == EINTR) continue;
    struct cmsghdr *rights = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!rights || message.msg_flags & MSG_CTRUNC || rights->cmsg_len != CMSG_LEN(batch * sizeof(int))) return -EBADMSG;
    for (size_t i = 0; i < batch; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(rights) + i * sizeof fd, sizeof fd);
      close(fd);
    }
    messages--;
  }
  return 0;
}

int main(int argc, char **argv) {
  int pair[2];
  char byte = 0;
  size_t batch = argc > 2 ? (size_t)atol(argv[2]) : MAX_BATCH;
  long count = argc > 1 ? atol(argv[1]) : 100000;
  if (batch < 1 || batch > MAX_BATCH || count < 1 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) return 1;
  long messages = (count + (long)batch - 1) / (long)batch, rounds[] = {messages / 10 + 1, messages};
  pid_t child = fork();
  if (child < 0) return 1;
  close(pair[child != 0]);
  int socket = pair[child == 0];
  if (child == 0) {
    for (int i = 0; i < 2; i++)
      if (receive_messages(socket, rounds[i], batch) < 0 || write(socket, &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  double started = 0;
  for (int i = 0; i < 2; i++) {
    started = now();
    if (send_messages(socket, rounds[i], batch) < 0 || read(socket, &byte, 1) != 1) return 1;
  }
  double seconds = now() - started;
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) return 1;
  printf("%f\n", (double)(messages * (long)batch) / seconds);
  return 0;
}
