#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOSED_FD 99999

static int fds[FDPASS_MAX_DESCRIPTORS];
static struct fdpass_received received;
static char bytes[64];

static ssize_t receive(int socket, int flags) {
  return fdpass_receive(socket, bytes, sizeof bytes, fds, &received, flags);
}

static void close_received(void) {
  for (size_t i = 0; i < received.count; i++) assert(fdpass_close(fds[i]) == 0);
}

static void send_and_receive(int type) {
  int pair[2], many[FDPASS_MAX_DESCRIPTORS] = {0};
  assert(fdpass_socketpair(type, pair) == 0);
  for (int flags = 0; flags < 4; flags++) { /* each combination of FDPASS_DONT_WAIT and FDPASS_PEEK */
    assert(receive(pair[1], flags | FDPASS_DONT_WAIT) == -EAGAIN);
    assert(fdpass_pending(pair[1]) == -EAGAIN);
    assert(fdpass_send(pair[0], "abc", 3, many, FDPASS_MAX_DESCRIPTORS, flags & FDPASS_DONT_WAIT) == 3);
    assert(fdpass_pending(pair[1]) == 1);
    assert(receive(pair[1], flags) == 3 && received.count == FDPASS_MAX_DESCRIPTORS && !received.truncated);
    assert(memcmp(bytes, "abc", 3) == 0);
    assert(fdpass_get_close_on_exec(fds[0]) == 1);
    close_received();
  }
  assert(fdpass_send(pair[0], "a", 1, many, FDPASS_MAX_DESCRIPTORS + 1, 0) == -EINVAL);
  many[1] = CLOSED_FD;
  assert(fdpass_send(pair[0], "a", 1, many, 2, 0) == -EBADF);
  assert(fdpass_send(CLOSED_FD, "a", 1, NULL, 0, 0) == -EBADF);
  if (type == SOCK_STREAM) {
    assert(fdpass_send(pair[0], "", 0, many, 1, 0) == -EINVAL);
  } else {
    for (int flags = 0; flags <= FDPASS_PEEK; flags += FDPASS_PEEK) {
      assert(fdpass_send(pair[0], "", 0, many, 1, 0) == 0);
      assert(receive(pair[1], flags) == 0 && received.count == 1);
      close_received();
      assert(fdpass_send(pair[0], "abc", 3, many, 1, 0) == 3);
      assert(
        fdpass_receive(pair[1], bytes, 1, fds, &received, flags) == 1 && received.count == 1 && received.truncated);
      close_received();
    }
  }
  fdpass_close(pair[0]);
  if (type == SOCK_STREAM) {
    assert(fdpass_pending(pair[1]) == 0);
    assert(receive(pair[1], FDPASS_PEEK) == 0 && received.count == 0);
  }
  fdpass_close(pair[1]);
}

void test_stream_messages(void) { send_and_receive(SOCK_STREAM); }
void test_packet_messages(void) { send_and_receive(SOCK_SEQPACKET); }
void test_datagram_messages(void) { send_and_receive(SOCK_DGRAM); }

void test_full_table(void) {
  int pair[2], three[3] = {0, 1, 2}, other[2];
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  for (size_t spare = 0; spare < 3; spare++) {
    assert(fdpass_send(pair[0], "x", 1, three, 3, 0) == 1);
    fill_table(spare);
    assert(receive(pair[1], FDPASS_PEEK) == -EMFILE);
    empty_table();
    assert(receive(pair[1], FDPASS_PEEK) == 1 && received.count == 3);
    close_received();

    /* Without FDPASS_PEEK, the descriptors are lost. */
    assert(fdpass_send(pair[0], "x", 1, three, 3, 0) == 1);
    fill_table(spare);
    assert(receive(pair[1], 0) == -EBADMSG && received.count == 0);
    empty_table();
  }
  fill_table(0);
  assert(fdpass_socketpair(SOCK_STREAM, other) == -EMFILE && fdpass_pipe(other) == -EMFILE);
  assert(fdpass_connect("/none", 5, SOCK_STREAM) == -EMFILE && fdpass_listen("/none", 5, 1) == -EMFILE);
  empty_table();
  close(pair[0]);
  close(pair[1]);
}

void test_receive_timeout(void) {
  int pair[2], none = -1;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  assert(fdpass_set_receive_timeout(pair[1], 1) == 0);
  for (int flags = 0; flags <= FDPASS_PEEK; flags += FDPASS_PEEK) assert(receive(pair[1], flags) == -EAGAIN);
  assert(fdpass_set_receive_timeout(pair[1], 0) == 0);
  assert(fdpass_send(pair[0], "a", 1, &none, 0, 0) == 1 && receive(pair[1], 0) == 1);
  assert(fdpass_set_receive_timeout(CLOSED_FD, 1) == -EBADF);
  close(pair[0]);
  close(pair[1]);
}

void test_additions(void) {
  int pair[2], one = 0, on = 1;
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  assert(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
#ifdef SO_PASSPIDFD
  (void)setsockopt(pair[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof on); /* since Linux 6.5 */
#endif
  for (int flags = 0; flags <= FDPASS_PEEK; flags += FDPASS_PEEK) {
    assert(fdpass_send(pair[0], "a", 1, &one, 1, 0) == 1 && fdpass_write(pair[0], "b", 1) == 1);
    assert(fdpass_receive(pair[1], bytes, 1, fds, &received, flags) == 1 && bytes[0] == 'a' && received.count == 1);
    close_received();
    assert(fdpass_receive(pair[1], bytes, 1, fds, &received, flags) == 1 && bytes[0] == 'b' && received.count == 0);
  }
  close(pair[0]);
  close(pair[1]);
}
