/* Linux destroys descriptors that do not fit in the table and only sets a flag.
 * So: look first. A peek that finds the table full leaves the message alone; one
 * that succeeds installs copies, and the message is then taken without its
 * descriptors. Only a single reader at a time may do this. */
#ifdef __linux__

#include "peek.h"
#include "message.h"
#include "socket-flags.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* What makes a socket add something of its own to every message, unix(7). */
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

/* Takes the bytes that were peeked at off the queue, but not their descriptors: the
 * copies that the peek installed stay. The kernel then says that descriptors were
 * cut off, and so whether there were any with these bytes. Without any control buffer
 * it would say so for SO_PASSSEC, too. */
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

/* After this many peeks that failed though a slot could be had each time, it is
 * not other threads racing for the last slots: the system does not want us to
 * have this descriptor (a security module's refusal looks just so). */
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
      /* With all those held that did fit: is there room for one more? */
      int slot = fcntl(socket, F_DUPFD_CLOEXEC, 0);
      int full = slot < 0 ? -errno : 0;
      if (slot >= 0) close(slot);
      fdpass_close_all(fds, once.count);
      if (full < 0) return full; /* EMFILE: the message is still queued */
      if (peeks < MOST_PEEKS) continue;
      once.count = 0;
    }

    /* A peek that has filled its buffer goes on to look for descriptors with the bytes
     * that follow: then only the taking tells whose they are. An empty datagram has
     * to be taken, too. */
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

#else
typedef int empty_translation_unit;
#endif
