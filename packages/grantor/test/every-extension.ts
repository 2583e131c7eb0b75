import type { Extension, StandardSchemaV1 } from '../src/index.ts'
import * as grantor from '../src/index.ts'
import { ALICE } from './openid-support.ts'

const ANYTHING: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }

/** Every extension of the library, with what it cannot do without. */
export const EXTENSIONS: Readonly<Record<string, () => Extension>> = {
  backChannelLogout: () => grantor.backChannelLogout(),
  ciba: () => grantor.ciba({ findUser: async ({ value }) => value }),
  clientSecretJwt: () => grantor.clientSecretJwt,
  deviceAuthorization: () => grantor.deviceAuthorization(),
  dpop: () => grantor.dpop(),
  dynamicRegistration: () => grantor.dynamicRegistration({ access: 'open' }),
  frontChannelLogout: () => grantor.frontChannelLogout(),
  implicit: () => grantor.implicit,
  jarm: () => grantor.jarm,
  jwtBearer: () => grantor.jwtBearer({ issuers: [] }),
  jwtIntrospection: () => grantor.jwtIntrospection,
  mutualTls: () => grantor.mutualTls(),
  openid: () => grantor.openid({ claims: async () => ALICE }),
  passwordGrant: () => grantor.passwordGrant({ authenticate: async () => ({ subject: 'alice' }) }),
  pushedAuthorizationRequests: () => grantor.pushedAuthorizationRequests(),
  requestObjects: () => grantor.requestObjects(),
  resourceIndicators: () => grantor.resourceIndicators(),
  richAuthorizationRequests: () => grantor.richAuthorizationRequests({ types: { payment: { schema: ANYTHING } } }),
  rpInitiatedLogout: () => grantor.rpInitiatedLogout(),
  stepUp: () => grantor.stepUp({ acrValues: ['gold'] }),
  tokenExchange: () => grantor.tokenExchange()
}
