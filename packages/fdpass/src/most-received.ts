/**
 * The most descriptors in a message from another program, whichever C library that has: `FDPASS_MAX_DESCRIPTORS` of
 * native/fdpass.h. The addon rejects arrays that have no room for so many. Needs no addon: remote processes have none.
 */
export const MOST_RECEIVED = 253
