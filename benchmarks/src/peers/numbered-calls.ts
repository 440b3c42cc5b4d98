import type { Client, Task } from './peer.js'

/** What goes to a worker that answers messages; back goes the number with the result. */
export type Request = [id: number, task: Task, args: unknown[]]

/** Calls over a channel of messages, as one would write it by hand: each has a number and a promise. */
export function numberedCalls(
  task: Task,
  send: (request: Request) => void,
  listen: (onMessage: (answer: [id: number, result: unknown]) => void) => void,
): Client {
  const calls = new Map<number, (result: unknown) => void>()
  let lastId = 0
  listen(([id, result]) => {
    calls.get(id)!(result)
    calls.delete(id)
  })
  return {
    call: (...args) =>
      new Promise(resolve => {
        calls.set(++lastId, resolve)
        send([lastId, task, args])
      }),
  }
}
