// The clients of both of ours, the library and the server, and how they are asked.
import type { AuthorizationServer } from 'grantor'
import { type Client, codeFlow, form, type Plan, REDIRECT_URI } from '../workloads/plan.ts'

export const SCOPE = 'openid profile email read'
const secret = 'a-secret-of-the-benchmark-which-is-none'
export const MACHINE: Client = { id: 'machine', secret }
const SIGNED: Client = { id: 'signed', secret }
export const APP: Client = { id: 'app', secret }
export const OPENID_APP: Client = { id: 'openid-app', secret }
const PATHS = { authorize: '/authorize', token: '/token' }

export async function registerClients(clients: AuthorizationServer['clients']): Promise<void> {
  const machine = { client_secret: secret, grant_types: ['client_credentials'], scope: 'read' }
  await clients.create({ ...machine, client_id: MACHINE.id })
  await clients.create({ ...machine, client_id: SIGNED.id, settings: { accessTokenFormat: 'jwt' } })
  const app = { client_secret: secret, redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token'] }
  await clients.create({ ...app, client_id: APP.id, scope: 'read' })
  await clients.create({ ...app, client_id: OPENID_APP.id, scope: SCOPE, id_token_signed_response_alg: 'ES256' })
}

export function grantorPlan(machine: Client, people: readonly string[]): Plan {
  const params = { grant_type: 'client_credentials', scope: 'read' }
  return {
    opaque: form('/token', machine, params),
    jwt: form('/token', SIGNED, params),
    introspect: form('/introspect', machine, { token_type_hint: 'access_token' }),
    code: codeFlow(APP, 'read', PATHS),
    openid: codeFlow(OPENID_APP, SCOPE, PATHS),
    refresh: form('/token', APP, { grant_type: 'refresh_token' }),
    userinfo: '/userinfo',
    documents: ['/.well-known/openid-configuration', '/jwks'],
    people
  }
}
