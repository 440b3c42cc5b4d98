import { parentPort } from 'node:worker_threads'
import type { Request } from '../peers/numbered-calls.js'
import * as tasks from './tasks.js'

/** Responds to the requests of `numbered-calls.ts`, in a thread or in a process. */
const respond = async (
  [id, task, args]: Request,
  send: (message: unknown, transfer: ArrayBuffer[]) => void,
): Promise<void> => {
  const result = await (tasks[task] as (...args: unknown[]) => unknown)(...args)
  send([id, result], process.argv[2] === 'transfer' ? [(result as Uint8Array<ArrayBuffer>).buffer] : [])
}

const port = parentPort
if (port)
  port.on('message', message => void respond(message, (message, transfer) => port.postMessage(message, transfer)))
else process.on('message', message => void respond(message as Request, message => void process.send!(message)))
