#include "../fork.h"
#include "notes.h"

#ifdef FORK_COPIES_THREADS

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Since 1.45, libuv changes the epoll set of each event loop by an io_uring(7), whose memory parent and child would
 * share. Nothing can put another ring at the same place in memory: the kernel chooses the place. But libuv can do
 * without, as on old kernels. So this process gives up its rings before it is forked: while all threads are parked, and
 * libuv has nothing in them.
 */

/* The memory of a ring, without and with the entries (io_uring_setup(2)). */
#define OFFSET_OF_RING 0UL
#define OFFSET_OF_ENTRIES 0x10000000UL
#define ENTRY_SIZE 64
/* The kernel's `struct io_rings` begins with the heads and tails of both queues. */
struct queues {
  uint32_t sq_head, sq_tail, cq_head, cq_tail;
};

struct ring {
  struct ring *next;
  int fd;
  bool is_given_up;
};

struct mapping {
  struct mapping *next;
  char *address;
  size_t size;
};

static struct ring *first;
static struct mapping *queues, *entries;

void fork_clear_rings(void) {
  first = NULL;
  queues = entries = NULL;
}

int fork_note_ring(int fd) {
  struct ring *self = fork_note(sizeof *self);
  if (self == NULL) return -ENOMEM;
  *self = (struct ring){.next = first, .fd = fd};
  first = self;
  return 0;
}

/* A line of proc_pid_maps(5): "from-to perms offset device inode name". Returns the name, or an empty one. */
static const char *parse_line(const char *line, struct mapping *mapping, unsigned long *offset) {
  char *rest;
  uintptr_t from = strtoul(line, &rest, 16), to = strtoul(rest + 1, &rest, 16);
  *mapping = (struct mapping){NULL, (char *)from, to - from};
  *offset = strtoul(rest + strlen(" rw-p "), &rest, 16);
  for (int field = 0; field < 2; field++) rest += strcspn(rest + 1, " ") + 1;
  return rest + strspn(rest, " ");
}

static int note_mapping(const char *line, void *context) {
  (void)context;
  struct mapping mapping;
  unsigned long offset;
  if (strcmp(parse_line(line, &mapping, &offset), "anon_inode:[io_uring]") != 0) return 0;
  struct mapping *note = fork_note(sizeof *note), **list = offset == OFFSET_OF_ENTRIES ? &entries : &queues;
  if (note == NULL) return -ENOMEM;
  if (offset != OFFSET_OF_ENTRIES && offset != OFFSET_OF_RING) return -EINVAL;
  mapping.next = *list;
  *note = mapping;
  *list = note;
  return 0;
}

static struct mapping *find_mapping(struct mapping *list, uintptr_t address) {
  while (list != NULL && (uintptr_t)list->address != address) list = list->next;
  return list;
}

static struct ring *find_ring(int fd) {
  struct ring *one = first;
  while (one != NULL && one->fd != fd) one = one->next;
  return one;
}

/* What libuv keeps of a ring (struct uv__iou): first the pointers to `sq_head` and `sq_tail`, later the address of the
 * entries, four sizes, the last of which is that of the entries, and the descriptor. */
#define MOST_WORDS 24

static void give_up_if_ring(uintptr_t *words, size_t count) {
  struct mapping *memory = find_mapping(queues, words[0]), *place = NULL;
  if (memory == NULL || words[1] != words[0] + offsetof(struct queues, sq_tail)) return;
  size_t at = 2;
  while (at < count && (place = find_mapping(entries, words[at])) == NULL) at++;
  if (place == NULL || at + 5 >= count || words[at + 4] != place->size) return;
  int *fd = (int *)&words[at + 5];
  struct ring *ring = find_ring(*fd);
  const struct queues *state = (const struct queues *)memory->address;
  if (ring == NULL || state->sq_head != state->sq_tail || state->cq_head != state->cq_tail) return;
  *fd = -1;
  ring->is_given_up = true;
  munmap(memory->address, memory->size);
  munmap(place->address, place->size);
  memory->address = place->address = NULL; /* unmapped */
}

static bool is_done(void) {
  for (const struct ring *one = first; one != NULL; one = one->next)
    if (!one->is_given_up) return false;
  return true;
}

/* Looks through a page of the heap. What libuv keeps may lie across its end, if the next page is in memory as well. */
static void search_page(char *page, size_t size, size_t available) {
  size_t count = available / sizeof(uintptr_t);
  uintptr_t *words = (uintptr_t *)page;
  for (size_t i = 0; i < size / sizeof *words && i + 8 < count; i++)
    if (words[i + 1] == words[i] + offsetof(struct queues, sq_tail) && words[i] != 0)
      give_up_if_ring(words + i, count - i < MOST_WORDS ? count - i : MOST_WORDS);
}

/* Looks through memory that a process alone can write. Pages that it has never used are left alone. */
static int search_mapping(const char *line, void *context) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char in_memory[4096];
  struct mapping mapping;
  unsigned long offset;
  (void)context;
  if (is_done() || strstr(line, " rw-p ") == NULL) return 0;
  const char *name = parse_line(line, &mapping, &offset);
  if (*name != '\0' && strcmp(name, "[heap]") != 0 && strncmp(name, "[anon:", 6) != 0) return 0;
  for (size_t at = 0; at < mapping.size; at += sizeof in_memory * page) {
    size_t rest = mapping.size - at, part = rest < sizeof in_memory * page ? rest : sizeof in_memory * page;
    if (mincore(mapping.address + at, part, in_memory) < 0) return 0;
    for (size_t i = 0; i < part / page; i++) {
      bool has_next = (i + 1) * page < part && in_memory[i + 1] & 1;
      if (in_memory[i] & 1) search_page(mapping.address + at + i * page, page, has_next ? 2 * page : page);
    }
  }
  return 0;
}

int fork_give_up_rings(void) {
  if (first == NULL) return 0;
  int rc = fork_each_line("/proc/self/maps", note_mapping, NULL);
  if (rc == 0) rc = fork_each_line("/proc/self/maps", search_mapping, NULL);
  for (const struct ring *one = first; one != NULL; one = one->next)
    if (one->is_given_up)
      close(one->fd);
    else if (rc == 0)
      rc = fork_refuse(-ENOTSUP, "descriptor %d is an io_uring(7) that is in use, or not one of libuv", one->fd);
  return rc;
}

#endif
