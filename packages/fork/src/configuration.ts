/** The payload of the order to change the surroundings of a process. What is left out stays as it is. */
export interface Configuration {
  /** The whole environment. */
  env?: Record<string, string> | undefined
  /** The words after the interpreter. */
  argv?: readonly string[] | undefined
  /** The path of the working folder. */
  cwd?: string | undefined
  /** The numbers of the standard streams whose descriptors are attached, in this order. */
  streams: readonly number[]
}
