/** How many bytes a stream may send ahead of its consumer. A single value may be larger. */
export const WINDOW_BYTES: number = 1 << 16

/** How many bytes each value counts in addition to its size: at most 64 values are sent ahead. */
export const ITEM_BYTES: number = 1 << 10
