import { parentPort } from 'node:worker_threads'
import { createBirpc } from 'birpc'
import * as tasks from './tasks.js'

const port = parentPort
createBirpc(
  { ...tasks },
  port
    ? { post: message => port.postMessage(message), on: listener => port.on('message', listener) }
    : { post: message => process.send!(message), on: listener => process.on('message', listener) },
)
