import type { Extension, StandardSchemaV1 } from '../src/index.ts'
import * as grantor from '../src/index.ts'
import { ALICE } from './openid-support.ts'

const ANYTHING: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }

/** Every extension of the library, with what it cannot do without; `more` are options besides, for those that have any. */
export const EXTENSIONS: Readonly<Record<string, (more?: object) => Extension>> = {
  backChannelLogout: (more) => grantor.backChannelLogout(more),
  ciba: (more) => grantor.ciba({ findUser: async ({ value }) => value, ...more }),
  clientSecretJwt: () => grantor.clientSecretJwt,
  deviceAuthorization: (more) => grantor.deviceAuthorization(more),
  dpop: (more) => grantor.dpop(more),
  dynamicRegistration: (more) => grantor.dynamicRegistration({ access: 'open', ...more }),
  frontChannelLogout: () => grantor.frontChannelLogout(),
  implicit: () => grantor.implicit,
  jarm: () => grantor.jarm,
  jwtBearer: (more) => grantor.jwtBearer({ issuers: [], ...more }),
  jwtIntrospection: () => grantor.jwtIntrospection,
  mutualTls: (more) => grantor.mutualTls(more),
  openid: (more) => grantor.openid({ claims: async () => ALICE, ...more }),
  passwordGrant: (more) => grantor.passwordGrant({ authenticate: async () => ({ subject: 'alice' }), ...more }),
  pushedAuthorizationRequests: (more) => grantor.pushedAuthorizationRequests(more),
  requestObjects: (more) => grantor.requestObjects(more),
  resourceIndicators: (more) => grantor.resourceIndicators(more),
  richAuthorizationRequests: (more) => grantor.richAuthorizationRequests({ types: { payment: { schema: ANYTHING } }, ...more }),
  rpInitiatedLogout: () => grantor.rpInitiatedLogout(),
  stepUp: (more) => grantor.stepUp({ acrValues: ['gold'], ...more }),
  tokenExchange: (more) => grantor.tokenExchange(more)
}
