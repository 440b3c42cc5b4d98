/**
 * Returns the package or program that a subject uses, so that a reader can choose among them: `@anyfork/fork-pool` for
 * `@anyfork/fork-pool, spare 1`, and `usocket` for `two processes: usocket, 1 descriptor a write`.
 */
export function peerOf(subject: string): string {
  const name = subject.replace(/^[\w ]+: /, '')
  if (/ in C$/.test(name)) return 'C'
  return /^@[\w-]+\/[\w-]+|^[^\s,(]+/.exec(name)?.[0] ?? name
}

/** Whether a subject uses a package of this repository. */
export function isOurs(subject: string): boolean {
  return peerOf(subject).startsWith('@anyfork/')
}
