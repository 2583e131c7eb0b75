import { checkValues, flag, refuseUnknown, type SettingRule, seconds } from '../../setting-rules.ts'

/** How request objects are taken. */
export interface RequestObjectOptions {
  /** Requests by reference, too: what `request_uri` names is fetched, if it is one of the client's `request_uris`. Default false. */
  byReference?: boolean
  /** Keys are kept that clients may encrypt request objects to. Default false. */
  encrypted?: boolean
  /** Every authorization request must be a signed request object (RFC 9101 §10.5). Default false: only those of clients registered so. */
  required?: boolean
  /**
   * Seconds: `aud`, `nbf` and `exp` are required, and a request object is neither older nor lives longer than this. FAPI 2.0 Message
   * Signing §5.3.1 asks for 3600. Default: what it says of its times is honoured, and it may say nothing.
   */
  maxLifetime?: number
}

const RULES: Readonly<Record<keyof RequestObjectOptions, SettingRule>> = {
  byReference: flag,
  encrypted: flag,
  required: flag,
  maxLifetime: seconds(1)
}

/** @throws ConfigurationError if one is unknown or cannot work */
export function checkOptions(options: RequestObjectOptions): void {
  refuseUnknown(Object.keys(options), Object.keys(RULES), 'requestObjects')
  checkValues(options, RULES, 'requestObjects')
}
