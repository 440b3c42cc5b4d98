import { type Minified, minify } from './minify.js'

/** The message that a worker sends back for each file. */
export type WorkerMessage = Minified | { error: string }

process.on('message', (file: string) => {
  minify(file).then(
    minified => process.send!(minified),
    (error: Error) => process.send!({ error: error.message }),
  )
})
process.send!('ready') // Babel and terser are loaded
