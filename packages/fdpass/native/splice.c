#include "fdpass.h"

#include <errno.h>
#ifdef ANYFORK_LINUX
#include <fcntl.h>
#endif

ssize_t fdpass_splice(int from, int to, size_t length) {
#ifdef ANYFORK_LINUX
  ssize_t n;
  do n = splice(from, NULL, to, NULL, length, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
#else
  (void)from, (void)to, (void)length;
  return -ENOSYS;
#endif
}
