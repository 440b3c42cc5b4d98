import { parentPort } from 'node:worker_threads'
import { expose } from 'comlink/dist/esm/comlink.mjs'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import * as tasks from './tasks.js'

expose({ ...tasks }, nodeEndpoint(parentPort!))
