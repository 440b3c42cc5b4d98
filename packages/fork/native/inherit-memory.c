#include "fork.h"

#include <errno.h>

#ifdef ANYFORK_LINUX

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Addresses from and to which everything may be inherited. */
struct span {
  uintptr_t from, to;
};

/* There are one or two mappings of the kernel's own, such as [vvar] and [vsyscall], and each ends a span. */
#define MOST_SPANS 16

/* The spans between the mappings of the kernel's own, which stay where they are for the whole life of the process.
 * Children have them at the same addresses, so they inherit this. */
static struct {
  struct span all[MOST_SPANS];
  size_t count;
} spans;

/* Returns what follows the fields " perms offset device inode". It is empty for a mapping without a name. */
static const char *name_of(const char *rest) {
  for (int i = 0; i < 4; i++) {
    rest += strspn(rest, " ");
    rest += strcspn(rest, " ");
  }
  return rest + strspn(rest, " ");
}

typedef int (*visitor)(struct span mapping, bool is_kernels);

/* Passes a line of /proc/self/maps to a visitor: "from-to perms offset device inode name". */
static int visit_line(const char *line, void *visit) {
  char *rest;
  struct span mapping = {.from = (uintptr_t)strtoull(line, &rest, 16)};
  if (*rest != '-') return 0;
  mapping.to = (uintptr_t)strtoull(rest + 1, &rest, 16);
  return (*(visitor *)visit)(mapping, strncmp(name_of(rest), "[v", 2) == 0);
}

/* Calls back for each mapping of this process, until a call returns an error. */
static int each_mapping(visitor visit) { return fork_each_line("/proc/self/maps", visit_line, &visit); }

static uintptr_t last_page(void) { return UINTPTR_MAX & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1); }

static int note_span(struct span mapping, bool is_kernels) {
  struct span *last = &spans.all[spans.count - 1];
  if (!is_kernels) return 0;
  if (spans.count == MOST_SPANS) return -E2BIG;
  last->to = mapping.from;
  spans.all[spans.count++] = (struct span){mapping.to, last_page()};
  return 0;
}

static int find_spans(void) {
  if (spans.count > 0) return 0;
  spans.count = 1;
  spans.all[0] = (struct span){(uintptr_t)sysconf(_SC_PAGESIZE), last_page()};
  int rc = each_mapping(note_span);
  if (rc < 0) spans.count = 0;
  return rc;
}

/* The kernel skips gaps, and reports them (ENOMEM). */
static int allow_span(struct span span) {
  if (span.from >= span.to) return 0;
  return madvise((void *)span.from, span.to - span.from, MADV_DOFORK) < 0 && errno != ENOMEM ? -errno : 0;
}

/* A mapping that cannot be allowed, such as a device, is not inherited. */
static int allow_mapping(struct span mapping, bool is_kernels) {
  if (!is_kernels) allow_span(mapping);
  return 0;
}

/* A span in which a device is mapped fails with EINVAL. */
int fork_inherit_memory(void) {
  int rc = find_spans();
  for (size_t i = 0; rc == 0 && i < spans.count; i++) rc = allow_span(spans.all[i]);
  return rc == -EINVAL || rc == -E2BIG ? each_mapping(allow_mapping) : rc;
}

#else

int fork_inherit_memory(void) { return -ENOSYS; }

#endif
