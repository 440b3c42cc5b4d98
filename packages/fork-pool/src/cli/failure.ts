import { inspect } from 'node:util'

/** The exit status of errors that are not those of inputs, like that of GNU parallel. */
export const OTHER_ERROR = 255

/** A frame within the packages that run the functions. */
const OWN_FRAME = /[/\\](@anyfork|packages)[/\\]fork(-rpc|-pool)?[/\\]dist[/\\](?!test[/\\])/

/** Returns the text of a failure: its class, code, and message, the stack of the user's functions, and its causes. */
export function textOfFailure(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error)
  const { name, message, cause } = error
  const { code } = error as NodeJS.ErrnoException
  const isCodeNew = typeof code === 'string' && !message.startsWith(code)
  const lines = [`${name}${isCodeNew ? ` [${code}]` : ''}: ${message}`, ...framesOf(error)]
  if (cause instanceof Error) lines.push(`caused by ${textOfFailure(cause)}`)
  return lines.join('\n')
}

/** Returns the frames up to the first one of these packages. */
function framesOf({ stack }: Error): string[] {
  const frames = (typeof stack === 'string' ? stack : '').split('\n').filter(line => /^ {4}at /.test(line))
  const own = frames.findIndex(frame => OWN_FRAME.test(frame))
  const users = own < 0 ? frames : frames.slice(0, own)
  return users.slice(0, users.findLastIndex(frame => !frame.includes('node:internal/')) + 1)
}

/** Writes a message to standard error. */
export function complain(message: string): void {
  process.stderr.write(`fork-pool: ${message}\n`)
}
