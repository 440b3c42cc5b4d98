#include "fdpass.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

int fdpass_advise_huge_pages(void *bytes, size_t length) {
#ifdef MADV_HUGEPAGE
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t from = ((uintptr_t)bytes + page - 1) & ~(page - 1);
  uintptr_t to = ((uintptr_t)bytes + length) & ~(page - 1);
  if (from < to && madvise((void *)from, to - from, MADV_HUGEPAGE) < 0) return -errno;
#else
  (void)bytes;
  (void)length;
#endif
  return 0;
}
