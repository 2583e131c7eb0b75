import { AccessDeniedError } from '../errors.ts'

/** The person said no, which ended the interaction. */
export class DeniedError extends AccessDeniedError {
  /** Forgets the interaction. */
  readonly cookie: string

  constructor(cookie: string) {
    super()
    this.cookie = cookie
  }
}
