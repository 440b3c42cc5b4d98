import type { TaskFunctions } from 'poolifier'
import * as singleArgumentTasks from './single-argument-tasks.js'

/** The tasks for poolifier. It recognises asynchronous functions by their type, so these are declared `async`. */
export const tasks: TaskFunctions = {
  ...(singleArgumentTasks as unknown as TaskFunctions),
  block: async (args: unknown) => singleArgumentTasks.block(args as Parameters<typeof singleArgumentTasks.block>[0]),
  answerRequests: async (args: unknown) =>
    singleArgumentTasks.answerRequests(args as Parameters<typeof singleArgumentTasks.answerRequests>[0]),
  resizeImage: async (args: unknown) =>
    singleArgumentTasks.resizeImage(args as Parameters<typeof singleArgumentTasks.resizeImage>[0]),
  waitAtBarrier: async (args: unknown) =>
    singleArgumentTasks.waitAtBarrier(args as Parameters<typeof singleArgumentTasks.waitAtBarrier>[0]),
}
