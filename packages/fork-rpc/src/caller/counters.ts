/** What a connection has done so far. */
export interface Counters {
  /** Calls that were made, those that failed at once not counted. */
  calls: number
  /** Calls that have not been answered. */
  outstanding: number
  results: number
  /** Calls that rejected with what was thrown. */
  errors: number
  /** Calls that were given up, because of a signal or a timeout. */
  givenUp: number
  events: number
  bytesSent: number
  bytesReceived: number
}
