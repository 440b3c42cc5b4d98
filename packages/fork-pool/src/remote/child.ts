/** What is sent to remote processes: the bundler makes one CommonJS file of it. It requires only what it finds there. */
export * as child from '../child/index.js'
