import type { Client, Task } from './peer.js'

/** A request to a worker that communicates by messages. The response is `[id, result]`. */
export type Request = [id: number, task: Task, args: unknown[]]

/**
 * Makes calls over a message channel, as a hand-written program would: each call has a number, and a map from numbers to
 * promises finds the call of a response.
 */
export function numberedCalls(
  task: Task,
  send: (request: Request) => void,
  listen: (onMessage: (response: [id: number, result: unknown]) => void) => void,
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
