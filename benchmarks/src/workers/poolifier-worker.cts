const { ClusterWorker, ThreadWorker } = require('poolifier') as typeof import('poolifier')
const { tasks } = require('./poolifier-tasks.js') as typeof import('./poolifier-tasks.js')
const { isMainThread } = require('node:worker_threads') as typeof import('node:worker_threads')

// CommonJS, because `cluster` loses the pool's first message while it loads an ES module.
module.exports = isMainThread ? new ClusterWorker(tasks) : new ThreadWorker(tasks)
