/** Which error of this package it is; the README lists them. */
export type PasserErrorCode = 'ERR_PASSER_CLOSED' | 'ERR_PASSER_ENDED'

/** An error of this package. */
export class PasserError extends Error {
  readonly code: PasserErrorCode

  constructor(code: PasserErrorCode, message: string) {
    super(message)
    this.name = 'PasserError'
    this.code = code
  }
}
