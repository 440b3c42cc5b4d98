/* Linux destroys descriptors that do not fit in the table and only sets a flag.
 * So: look first. A peek that finds the table full leaves the message alone; one
 * that succeeds installs copies, and the message is then consumed without control
 * buffer. Only a single reader at a time may do this. */
#ifdef __linux__

#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Takes the message that was peeked at off the queue, but not its descriptors:
 * the copies that the peek installed stay. */
static ssize_t consume(int socket, void *bytes, size_t length) {
  struct iovec iov = {.iov_base = bytes, .iov_len = length};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  ssize_t n;
  do n = recvmsg(socket, &message, MSG_DONTWAIT); /* never waits: it was there */
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

/* After this many peeks that failed though a slot could be had each time, it is
 * not other threads racing for the last slots: the system does not want us to
 * have this descriptor (a security module's refusal looks just so). */
#define MOST_PEEKS 1000

ssize_t fdpass_receive_peeking(int socket, void *bytes, size_t length,
                               int fds[FDPASS_MAX_DESCRIPTORS],
                               struct fdpass_received *received, int wait_flag) {
  for (int peeks = 0;; peeks++) {
    int flags = 0;
    ssize_t n = fdpass_receive_once(socket, bytes, length, MSG_PEEK | wait_flag, fds, &received->count, &flags);
    if (n < 0) return n;
    received->truncated = (flags & MSG_TRUNC) != 0;
    if (!(flags & MSG_CTRUNC)) {
      if (n == 0 && received->count == 0 && !received->truncated) {
        /* The end of a stream, or an empty datagram, which has to be consumed. */
        return consume(socket, bytes, length);
      }
      ssize_t taken = consume(socket, bytes, (size_t)n);
      if (taken < 0) {
        fdpass_close_all(fds, received->count);
        received->count = 0;
      }
      return taken;
    }

    /* With all those held that did fit: is there room for one more? */
    int slot = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    int full = slot < 0 ? -errno : 0;
    if (slot >= 0) close(slot);
    fdpass_close_all(fds, received->count);
    received->count = 0;
    if (full < 0) return full; /* EMFILE: the message is still queued */
    if (peeks >= MOST_PEEKS) {
      consume(socket, bytes, (size_t)n);
      return -EBADMSG;
    }
  }
}

#else
typedef int empty_translation_unit;
#endif
