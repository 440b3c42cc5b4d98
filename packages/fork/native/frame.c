#include "frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A header: u8 type, u8 number of descriptors, u16 mark, u32 payload length, u32 id. Little-endian. */
enum { MARK = 0xb7a5 };
enum { ORDER_FORK = 5, REPORT_FORKED = 66, REPORT_EXITED = 68, REPORT_STARTED = 69 };
enum { MADE_BY_FORK = 0 };

#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static uint32_t read_u32(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint8_t *put(uint8_t *at, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) *at++ = (uint8_t)(value >> 8 * i);
  return at;
}

static uint8_t *put_header(uint8_t *at, uint8_t type, uint8_t descriptors, uint32_t length, uint32_t id) {
  at = put(at, type, 1);
  at = put(at, descriptors, 1);
  at = put(at, MARK, 2);
  at = put(at, length, 4);
  return put(at, id, 4);
}

union control {
  char bytes[CMSG_SPACE(sizeof(int))];
  struct cmsghdr aligned;
};

/* Returns the descriptor that has come with a message, or -1. */
static int descriptor_of(struct msghdr *message) {
  struct cmsghdr *header = CMSG_FIRSTHDR(message);
  int fd = -1;
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof fd))
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

/* Looks before it takes: what recvmsg(2) has no free descriptor for would be lost. The length of the buffer leaves room
 * for one descriptor; with the padding of CMSG_SPACE, the kernel would store a second one there. */
bool frame_take_fork(int socket, uint32_t *id, int *control) {
  uint8_t header[FRAME_HEADER_BYTES], expected[FRAME_HEADER_BYTES];
  union control ancillary;
  struct iovec bytes = {header, sizeof header};
  struct msghdr message = {
    .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = ancillary.bytes, .msg_controllen = CMSG_LEN(sizeof(int))};
  ssize_t n;
  do n = recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return false;
  int fd = descriptor_of(&message);
  *id = read_u32(header + 8);
  put_header(expected, ORDER_FORK, 1, 0, *id);
  bool is_fork =
    n == sizeof header && fd >= 0 && !(message.msg_flags & MSG_CTRUNC) && memcmp(header, expected, sizeof header) == 0;
  /* `fd` is a duplicate that looking has made, and it stays open. This call has no room for the descriptor itself, so
   * the kernel closes that. */
  if (is_fork && recv(socket, header, sizeof header, MSG_DONTWAIT) == (ssize_t)sizeof header) {
    *control = fd;
    return true;
  }
  if (fd >= 0) close(fd);
  return false;
}

/* `descriptor` is sent along, unless it is negative. */
static int send_frame(int socket, const uint8_t *frame, size_t length, int descriptor) {
  union control ancillary = {0};
  struct iovec bytes = {(void *)frame, length};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
  if (descriptor >= 0) {
    message.msg_control = ancillary.bytes;
    message.msg_controllen = sizeof ancillary.bytes;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  ssize_t n;
  do n = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : 0;
}

int frame_send_forked(int socket, uint32_t id, pid_t pid) {
  uint8_t frame[FRAME_HEADER_BYTES + 5];
  uint8_t *at = put_header(frame, REPORT_FORKED, 0, 5, id);
  at = put(at, (uint32_t)pid, 4);
  put(at, MADE_BY_FORK, 1);
  return send_frame(socket, frame, sizeof frame, -1);
}

int frame_send_started(int socket, pid_t pid, int pidfd) {
  uint8_t frame[FRAME_HEADER_BYTES + 5];
  uint8_t *at = put_header(frame, REPORT_STARTED, pidfd >= 0, 5, 0);
  at = put(at, (uint32_t)pid, 4);
  put(at, MADE_BY_FORK, 1);
  return send_frame(socket, frame, sizeof frame, pidfd);
}

int frame_send_exited(int socket, pid_t pid, int code, int signal) {
  uint8_t frame[FRAME_HEADER_BYTES + 7];
  uint8_t *at = put_header(frame, REPORT_EXITED, 0, 7, 0);
  at = put(at, (uint32_t)pid, 4);
  at = put(at, (uint32_t)code, 2);
  put(at, (uint32_t)signal, 1);
  return send_frame(socket, frame, sizeof frame, -1);
}
