#include <stddef.h>

size_t open_descriptors(void);
void refusal(void);
void many(void);
