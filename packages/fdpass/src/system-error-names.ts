import { getSystemErrorMap } from 'node:util'

const names = getSystemErrorMap()
const others = new Map<number, [name: string, message: string]>(
  process.platform === 'linux'
    ? [
        [-109, ['ETOOMANYREFS', 'too many references: cannot splice']],
        [-74, ['EBADMSG', 'the system refused a descriptor of this message']],
      ]
    : [],
)

/** The kernel's name of a negative errno; those that Node lacks are here. */
export function getSystemErrorName(errno: number): string {
  return (names.get(errno) ?? others.get(errno))?.[0] ?? `errno ${-errno}`
}

/** What the kernel says of a negative errno. */
export function getSystemErrorMessage(errno: number): string {
  return (names.get(errno) ?? others.get(errno))?.[1] ?? 'unknown system error'
}
