type Snippet = (input: unknown) => Promise<unknown>
const AsyncFunction = (async () => {}).constructor as new (parameter: string, body: string) => Snippet

/**
 * Runs a snippet in this process, which has no other purpose. The process is the sandbox, so the snippet may do whatever
 * the process may do.
 *
 * @param code - the body of an asynchronous function with the parameter `input`
 * @returns what the snippet returns, as JSON can express it
 */
export function runSnippet(code: string, input: unknown): Promise<unknown> {
  return new AsyncFunction('input', code)(input)
}
