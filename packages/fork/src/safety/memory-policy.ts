/** Returns whether a process that serves calls should give memory back when it is idle. */
export function reducesWhenIdle(): boolean {
  return true
}
