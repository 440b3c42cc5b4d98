#include "fork.h"

#ifdef ANYFORK_LINUX

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Smaller mappings are not worth the calls. */
#define MIN_BYTES (256 * 1024)

/* A private mapping of a file that this process cannot write to: code and constants. */
struct mapping {
  uintptr_t from, to;
};

/* Parses the first line of an entry of /proc/self/smaps: "from-to perms offset device inode name". Returns true if it
 * is a large one of a file, with code or constants. */
static bool parse_mapping(const char *line, struct mapping *mapping) {
  char *rest;
  mapping->from = (uintptr_t)strtoull(line, &rest, 16);
  if (*rest != '-') return false;
  mapping->to = (uintptr_t)strtoull(rest + 1, &rest, 16);
  bool eligible = strncmp(rest, " r-", 3) == 0 && rest[4] == 'p' && strchr(rest, '/') != NULL;
  return eligible && mapping->to - mapping->from >= MIN_BYTES;
}

/* Returns whether a page belongs to the process, not to the file: it is present (bit 63), and not a page of a file
 * (bit 61), proc_pid_pagemap(5). */
static bool is_own_page(int pagemap, uintptr_t address, uintptr_t page) {
  uint64_t entry;
  if (pread(pagemap, &entry, sizeof entry, (off_t)(address / page * sizeof entry)) != sizeof entry) return false;
  return (entry >> 63 & 1) && !(entry >> 61 & 1);
}

/* Drops all pages but the first: the kernel reads them from the file again when they are needed. Then overwrites the
 * first byte with itself, which makes the first page the process's own. /proc/self/mem ignores that it is read-only. */
static void refresh(const struct mapping *mapping, uintptr_t page, int memory) {
  (void)madvise((void *)(mapping->from + page), mapping->to - mapping->from - page, MADV_DONTNEED);
  char byte;
  if (pread(memory, &byte, 1, (off_t)mapping->from) == 1) (void)!pwrite(memory, &byte, 1, (off_t)mapping->from);
}

/* fork(2) copies the page table of a file's mapping only if the process has a page of its own in it. Otherwise a child
 * takes a page fault for every few pages of code. So each mapping gets such a page, its first. Its other pages are
 * dropped: children then inherit only those that are used from now on, not those that only start-up needed. A mapping
 * with other pages of the process's own (changed ones, which would be lost) is left as it is. */
void fork_refresh_code_pages(void) {
  FILE *maps = fopen("/proc/self/smaps", "re");
  int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct mapping mapping = {0};
  bool eligible = false;
  char line[4352];
  unsigned long kilobytes;
  while (maps != NULL && memory >= 0 && pagemap >= 0 && fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "Anonymous: %lu", &kilobytes) == 1) {
      eligible = eligible && (kilobytes == 0 || (kilobytes * 1024 == page && is_own_page(pagemap, mapping.from, page)));
    } else if (sscanf(line, "Swap: %lu", &kilobytes) ==
               1) { /* follows "Anonymous"; swapped pages are its own as well */
      if (eligible && kilobytes == 0) refresh(&mapping, page, memory);
    } else if (strchr(line, '-') != NULL && strchr(line, ':') > strchr(line, '-')) {
      eligible = parse_mapping(line, &mapping);
    }
  }
  if (maps != NULL) fclose(maps);
  if (memory >= 0) close(memory);
  if (pagemap >= 0) close(pagemap);
}

#else

void fork_refresh_code_pages(void) {}

#endif
