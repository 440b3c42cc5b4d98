#include "../fdpass.h"
#include "tests.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOSED_FD 99999

void test_flags_of_descriptors(void) {
  int pair[2];
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0);
  for (int on = 1; on >= 0; on--) {
    assert(fdpass_set_nonblocking(pair[0], on) == 0 && fdpass_get_nonblocking(pair[0]) == on);
    assert(fdpass_set_close_on_exec(pair[0], on) == 0 && fdpass_get_close_on_exec(pair[0]) == on);
  }
  assert(fdpass_set_async_owner(pair[0], INT_MAX) == -ESRCH && !(fcntl(pair[0], F_GETFL) & O_ASYNC));
  assert(fdpass_set_async_owner(pair[0], getpid()) == 0 && (fcntl(pair[0], F_GETFL) & O_ASYNC));
  assert(fcntl(pair[0], F_GETOWN) == getpid());
  assert(fdpass_set_async_owner(pair[0], 0) == 0 && !(fcntl(pair[0], F_GETFL) & O_ASYNC));
  assert(fdpass_set_async_owner(CLOSED_FD, 1) == -EBADF && fdpass_set_async_owner(CLOSED_FD, 0) == -EBADF);
  int copy = fdpass_duplicate(pair[0]);
  assert(fdpass_get_close_on_exec(copy) == 1);
  int file = fdpass_duplicate(pair[1]);
  assert(fdpass_duplicate_to(pair[0], file) == file && fdpass_get_close_on_exec(file) == 1);
  assert(fdpass_write(file, "a", 1) == 1 && fdpass_read(pair[1], &(char){0}, 1) == 1);
  assert(fdpass_duplicate_to(file, file) == -EINVAL);
  assert(fdpass_duplicate_to(CLOSED_FD, file) == -EBADF && fdpass_get_close_on_exec(file) == 1);
  assert(fdpass_duplicate_to(file, INT_MAX) == -EBADF);
  int input = fdpass_duplicate(STDIN_FILENO);
  assert(fdpass_duplicate_to(file, STDIN_FILENO) == 0 && fdpass_get_close_on_exec(STDIN_FILENO) == 0);
  assert(fdpass_duplicate_to(input, STDIN_FILENO) == 0 && fdpass_close(input) == 0 && fdpass_close(file) == 0);
  assert(fdpass_close(copy) == 0 && fdpass_close(pair[0]) == 0 && fdpass_close(pair[1]) == 0);
  assert(fdpass_close(CLOSED_FD) == -EBADF && fdpass_duplicate(CLOSED_FD) == -EBADF);
  assert(fdpass_set_nonblocking(CLOSED_FD, 1) == -EBADF && fdpass_get_nonblocking(CLOSED_FD) == -EBADF);
  assert(fdpass_set_close_on_exec(CLOSED_FD, 1) == -EBADF && fdpass_get_close_on_exec(CLOSED_FD) == -EBADF);
}

void test_kept_descriptors(void) {
  struct fdpass_kept kept = {0};
  int pair[2], ends[2];
  fdpass_forget(&kept, 0);
  fdpass_close_kept(&kept);
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0 && fdpass_pipe(ends) == 0);
  assert(fdpass_keep(&kept, pair, 2) == 0 && fdpass_keep(&kept, ends, 2) == 0 && fdpass_keep(&kept, pair, 2) == 0);
  assert(kept.count == 4);
  fdpass_forget(&kept, ends[0]);
  fdpass_close_kept(&kept);
  assert(kept.count == 0 && kept.fds == NULL);
  assert(fdpass_close(pair[0]) == -EBADF && fdpass_close(pair[1]) == -EBADF && fdpass_close(ends[1]) == -EBADF);
  assert(fdpass_close(ends[0]) == 0);
}

static void write_and_read(const int ends[2]) {
  char bytes[3];
  assert(fdpass_write(ends[1], "abc", 3) == 3);
  assert(fdpass_read(ends[0], bytes, sizeof bytes) == 3 && memcmp(bytes, "abc", 3) == 0);
}

void test_plain_bytes(void) {
  int pair[2], ends[2];
  assert(fdpass_socketpair(SOCK_STREAM, pair) == 0 && fdpass_pipe(ends) == 0);
  write_and_read(pair);
  write_and_read(ends);
  assert(fdpass_close(pair[0]) == 0 && fdpass_write(pair[1], "a", 1) == -EPIPE);
  assert(fdpass_close(pair[1]) == 0 && fdpass_close(ends[0]) == 0 && fdpass_close(ends[1]) == 0);
  assert(fdpass_read(CLOSED_FD, NULL, 0) == -EBADF && fdpass_write(CLOSED_FD, "a", 1) == -EBADF);
}

void test_huge_pages(void) {
  const size_t size = 5 << 20;
  char *bytes = malloc(size);
  assert(bytes != NULL);
  memset(bytes, 'x', size);
  int rc = fdpass_advise_huge_pages(bytes + 1, size - 2);
  assert(rc == 0 || rc == -EINVAL);                /* a kernel without huge pages: madvise(2) */
  assert(fdpass_advise_huge_pages(bytes, 1) == 0); /* no whole page */
  for (size_t i = 0; i < size; i++) assert(bytes[i] == 'x');
  free(bytes);
}
