import { randomBytes } from 'node:crypto'
import { DEVICE_GRANT_TYPE } from 'grantor'
import type { Claims } from './claims.ts'
import { DEMO_APP, DEMO_SCOPE } from './demo-app.ts'
import { DEMO_DEVICE, DEMO_DEVICE_SCOPE } from './demo-device.ts'
import type { GrantorServer } from './grantor-server.ts'

/** What `grantor dev` starts with: a client that may do everything, and a person. */
export interface Demo {
  clientId: string
  clientSecret: string
  login: string
  password: string
}

const CLIENT_ID = 'demo'
const LOGIN = 'demo'
const CLAIMS: Claims = {
  name: 'Demo Person',
  given_name: 'Demo',
  family_name: 'Person',
  middle_name: 'Q.',
  nickname: 'Demi',
  preferred_username: LOGIN,
  profile: 'https://example.com/demo',
  picture: 'https://example.com/demo.png',
  website: 'https://example.com/',
  gender: 'unspecified',
  birthdate: '1990-02-28',
  zoneinfo: 'Europe/Berlin',
  locale: 'en-GB',
  email: 'demo@example.com',
  email_verified: true,
  phone_number: '+1 (555) 010-0199',
  phone_number_verified: true,
  address: {
    formatted: '1 Example Street\nSpringfield, EX 12345\nExampleland',
    street_address: '1 Example Street',
    locality: 'Springfield',
    region: 'EX',
    postal_code: '12345',
    country: 'Exampleland'
  }
}

/** Made at the first start; undefined at every other. The person comes last: a start that ended before left secrets that nobody saw. */
export async function createDemo({ authorization, users }: GrantorServer): Promise<Demo | undefined> {
  if (await users.findByLogin(LOGIN)) return undefined
  for (const unseen of [CLIENT_ID, DEMO_APP, DEMO_DEVICE]) await authorization.clients.delete(unseen)
  const { client_secret = '' } = await authorization.clients.create({
    client_id: CLIENT_ID,
    client_name: 'Demo application',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', DEVICE_GRANT_TYPE],
    scope: 'read write openid profile email'
  })
  await authorization.clients.create({
    client_id: DEMO_APP,
    client_name: 'Demo page',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: [`${authorization.settings.issuer}/demo/callback`],
    post_logout_redirect_uris: [authorization.settings.issuer],
    grant_types: ['authorization_code', 'refresh_token'],
    scope: DEMO_SCOPE
  })
  await authorization.clients.create({
    client_id: DEMO_DEVICE,
    client_name: 'Demo device',
    token_endpoint_auth_method: 'none',
    grant_types: [DEVICE_GRANT_TYPE],
    scope: DEMO_DEVICE_SCOPE
  })
  const password = randomBytes(12).toString('base64url')
  await users.create({ login: LOGIN, password, claims: CLAIMS })
  return { clientId: CLIENT_ID, clientSecret: client_secret, login: LOGIN, password }
}

/** What the terminal shows when it runs: where it is, and what to type next. */
export function welcome(issuer: string, demo: Demo | undefined): string {
  const secret = demo ? demo.clientSecret : '<the secret that the first start printed>'
  const once = demo
    ? `\n  Demo user      ${demo.login}\n  Password       ${demo.password}\n  Demo client    ${demo.clientId}\n  Client secret  ${demo.clientSecret}\n\n  Shown this once. To start anew, delete the data folder.\n`
    : ''
  return `
  Grantor runs at ${issuer}

  Sign in        ${issuer}/demo
  A device       ${issuer}/demo/device
  Metadata       ${issuer}/.well-known/openid-configuration
  Keys           ${issuer}/jwks
${once}
  The first token:

    curl ${issuer}/token -u demo:${secret} -d grant_type=client_credentials -d scope=read

`
}
