import type { TaskFunctions } from 'poolifier'
import * as listTasks from './single-argument-tasks.js'

/** The tasks for poolifier, which wants functions that return promises to be marked as such. */
export const tasks: TaskFunctions = {
  ...(listTasks as unknown as TaskFunctions),
  block: async (args: unknown) => listTasks.block(args as Parameters<typeof listTasks.block>[0]),
  meet: async (args: unknown) => listTasks.meet(args as Parameters<typeof listTasks.meet>[0]),
}
