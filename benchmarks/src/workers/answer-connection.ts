import cluster from 'node:cluster'
import { createServer, type Socket } from 'node:net'
import type { Descriptor } from '@anyfork/fdpass'
import { answer } from './answer.js'

/** Answers a connection that the program has passed as an argument. */
export const answerDescriptor = (connection: Descriptor): void => answer(connection.toSocket())

// A worker of node:cluster gets connections from a server, and a process of child_process.fork in messages.
if (cluster.isWorker) createServer(answer).listen(Number(process.env['PORT']), '127.0.0.1')
else process.on('message', (_message, socket) => socket && answer(socket as Socket))
