import { parentPort } from 'node:worker_threads'
import { createBirpc } from 'birpc'
import { expose } from 'comlink/dist/esm/comlink.mjs'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import { type Value, values } from './values.js'

type OnValue = (...value: Value) => Promise<void>

// Calls a function of the program for each value, with birpc as an event, or with comlink as a callback.
const port = parentPort
if (process.argv[2] === 'comlink') {
  const sendValues = (count: number, characters: number, onValue: OnValue): void => {
    for (const value of values(count, characters)) void onValue(...value)
  }
  expose({ sendValues }, nodeEndpoint(port!))
} else {
  const rpc = createBirpc<{ onValue: OnValue }>(
    {
      sendValues(count: number, characters: number) {
        for (const value of values(count, characters)) void rpc.onValue.asEvent(...value)
      },
    },
    port
      ? { post: message => port.postMessage(message), on: listener => port.on('message', listener) }
      : { post: message => process.send!(message), on: listener => process.on('message', listener) },
  )
}
