import { ConfigurationError } from '../../errors.ts'
import type { DpopOptions } from '../../extensions/dpop/options.ts'
import type { RequestObjectOptions } from '../../extensions/jwt-secured-requests/options.ts'
import type { MutualTlsOptions } from '../../extensions/mutual-tls/options.ts'
import type { OpenIdOptions } from '../../extensions/openid/options.ts'
import type { PushedAuthorizationRequestOptions } from '../../extensions/pushed-authorization-requests/options.ts'
import { refuseUnknown } from '../../setting-rules.ts'
import type { PresetOptions } from '../base.ts'
import { areAllowed, type Requirements } from './rules.ts'
import { SENTENCES } from './sentences.ts'

/** What FAPI 2.0 leaves open. */
export interface Fapi2Options extends PresetOptions {
  /** What is known of people, if clients may know who they are (section 5.3.2.3). Without it there is no OpenID Connect. */
  openid?: OpenIdOptions
  /** FAPI 2.0 Message Signing, too: requests are signed, and so are authorization responses and, if asked for, introspection. Default false. */
  messageSigning?: boolean
  /** How DPoP is served. Without this and `mutualTls`, it is as `{}`, and every token is bound by it. */
  dpop?: DpopOptions
  /** How mutual TLS is served. Without `dpop`, every token is bound to a certificate; with it, each client registers what its tokens are bound to. */
  mutualTls?: MutualTlsOptions
  /** How requests are pushed, as they must be. */
  pushedAuthorizationRequests?: PushedAuthorizationRequestOptions
  /** How request objects are taken, if messages are signed: required, pushed and never fetched, and for at most 3600 seconds. */
  requestObjects?: RequestObjectOptions
}

const NAMES: readonly (keyof Fapi2Options)[] = [
  'extensions',
  'openid',
  'messageSigning',
  'dpop',
  'mutualTls',
  'pushedAuthorizationRequests',
  'requestObjects'
]
/** Seconds. */
const LONGEST_REQUEST = 599
/** Seconds. FAPI 2.0 Message Signing section 5.3.1-4. */
export const LONGEST_REQUEST_OBJECT = 3600

/** @throws ConfigurationError if an option is unknown, or breaks the profile; the message is the sentence */
export function checkOptions(options: Fapi2Options): void {
  refuseUnknown(Object.keys(options), NAMES, 'fapi2')
  const { dpop = {}, mutualTls, pushedAuthorizationRequests: pushed = {} } = options
  if (mutualTls ? !options.dpop && mutualTls.required === false : dpop.required === false)
    throw new ConfigurationError(`fapi2: ${SENTENCES.senderConstrained}`)
  if (!areAllowed(dpop.algorithms ?? [])) throw new ConfigurationError(`fapi2: ${SENTENCES.algorithms}`)
  if (pushed.required === false) throw new ConfigurationError(`fapi2: ${SENTENCES.pushed}`)
  if ((pushed.lifetime ?? 0) > LONGEST_REQUEST) throw new ConfigurationError(`fapi2: ${SENTENCES.requestUri}`)
  checkRequestObjects(options)
}

function checkRequestObjects({ requestObjects, messageSigning }: Fapi2Options): void {
  if (!requestObjects) return
  if (!messageSigning) throw new ConfigurationError('fapi2: requestObjects are for messageSigning; without it, the extension takes them')
  const { required, byReference, maxLifetime = 0 } = requestObjects
  if (required === false) throw new ConfigurationError(`fapi2: ${SENTENCES.signedRequests}`)
  if (byReference) throw new ConfigurationError(`fapi2: ${SENTENCES.pushed}`)
  if (maxLifetime > LONGEST_REQUEST_OBJECT) throw new ConfigurationError(`fapi2: ${SENTENCES.requestLifetime}`)
}

export function bindingOf({ dpop, mutualTls }: Fapi2Options): Requirements['binding'] {
  if (!mutualTls) return 'key'
  if (!dpop || mutualTls.required) return 'certificate'
  return dpop.required ? 'key' : 'choice'
}
