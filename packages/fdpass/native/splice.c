#include "fdpass.h"

#include <errno.h>
#ifdef __linux__
#include <fcntl.h>
#endif

ssize_t fdpass_splice(int from, int to, size_t length) {
#ifdef __linux__
  ssize_t n;
  do n = splice(from, NULL, to, NULL, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
#else
  (void)from, (void)to, (void)length;
  return -ENOSYS;
#endif
}
