/* Linux drops descriptors that do not fit in the table, and only sets a flag. So this looks first. A peek that finds
 * the table full leaves the message in the queue. One that succeeds installs copies of the descriptors, and the message
 * is then taken without its own. There must be no other reader meanwhile. */
#include "receive-if-room.h"
#include "message.h"

#ifdef ANYFORK_LINUX

#include "socket-flags.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* The options with which a socket adds a control message of its own to every message (unix(7)). */
static const int additions[] = {SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD};
enum { ADDITIONS = sizeof additions / sizeof *additions };

static void mute(int socket, int was_on[ADDITIONS]) {
  for (int i = 0; i < ADDITIONS; i++) {
    socklen_t size = sizeof was_on[i];
    const int off = 0;
    if (getsockopt(socket, SOL_SOCKET, additions[i], &was_on[i], &size) < 0) was_on[i] = 0;
    if (was_on[i]) setsockopt(socket, SOL_SOCKET, additions[i], &off, sizeof off);
  }
}

static void unmute(int socket, const int was_on[ADDITIONS]) {
  for (int i = 0; i < ADDITIONS; i++)
    if (was_on[i]) setsockopt(socket, SOL_SOCKET, additions[i], &was_on[i], sizeof was_on[i]);
}

/* Takes the bytes that a peek has found off the queue, without their descriptors: the copies that the peek has
 * installed stay. If there were any with these bytes, the kernel reports that it has cut them off. Without a control
 * buffer it would also report that for SO_PASSSEC. */
static ssize_t consume(int socket, void *bytes, size_t length, int is_muting, int *had_descriptors) {
  struct iovec iov = {.iov_base = bytes, .iov_len = length};
  char too_small;
  struct msghdr message = {
    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &too_small, .msg_controllen = sizeof too_small};
  int was_on[ADDITIONS];
  if (is_muting) mute(socket, was_on);
  ssize_t n;
  do n = recvmsg(socket, &message, MSG_DONTWAIT); /* never waits: it was there */
  while (n < 0 && errno == EINTR);
  int error = errno;
  if (is_muting) unmute(socket, was_on);
  *had_descriptors = (message.msg_flags & MSG_CTRUNC) != 0;
  return n < 0 ? -error : n;
}

/* A peek may fail although a slot is free afterwards, because other threads race for the last slots. After this many
 * failures that is not the cause: a security module rejects the descriptor, which looks the same. */
#define MOST_PEEKS 1000

ssize_t fdpass_receive_peeking(int socket, void *bytes, size_t length, int fds[FDPASS_MAX_DESCRIPTORS],
  struct fdpass_received *received, int wait_flag) {
  for (int peeks = 0;; peeks++) {
    struct fdpass_once once;
    int had_descriptors;
    ssize_t n = fdpass_receive_once(socket, bytes, length, MSG_PEEK | wait_flag, fds, &once);
    if (n < 0) return n;
    int is_cut = (once.flags & MSG_CTRUNC) != 0;
    int truncated = (once.flags & MSG_TRUNC) != 0;
    if (is_cut) {
      /* While the descriptors that did fit are held: is there room for one more? */
      int slot = fcntl(socket, F_DUPFD_CLOEXEC, 0);
      int full = slot < 0 ? -errno : 0;
      if (slot >= 0) close(slot);
      fdpass_close_all(fds, once.count);
      if (full < 0) return full; /* EMFILE: the message is still queued */
      if (peeks < MOST_PEEKS) continue;
      once.count = 0;
    }

    /* A peek that has filled its buffer also finds descriptors of the bytes that follow. Only taking the bytes shows
     * whether they belong to these. An empty datagram must be taken as well. */
    size_t size = n == 0 && !truncated ? length : (size_t)n;
    int is_unsure = is_cut || once.count > 0;
    ssize_t taken = consume(socket, bytes, size, is_unsure && once.others, &had_descriptors);
    if (taken >= 0 && is_unsure && had_descriptors && is_cut) return -EBADMSG;
    if (taken < 0 || (is_unsure && !had_descriptors)) {
      fdpass_close_all(fds, once.count);
      once.count = 0;
    }
    *received = (struct fdpass_received){.count = once.count, .truncated = truncated};
    return taken;
  }
}

#endif
