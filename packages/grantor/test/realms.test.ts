import { expect, test } from 'vitest'
import { MemoryStore } from '../src/index.ts'
import { basic, expectPage, expectTokenError, TestServer } from './support.ts'

async function twoRealms() {
  const store = new MemoryStore()
  const secret = 'one secret for both of at least 32 characters'
  const open = async (realm: string, accessTokenFormat = 'opaque') => {
    const test = new TestServer({ store: store.realm(realm), secret, issuer: `https://${realm}.example.com`, accessTokenFormat })
    return { test, client: await test.client() }
  }
  return { store, open, acme: await open('acme'), umbrella: await open('umbrella') }
}

/** At its own issuer; the helper of the tests asks another host. */
const asked = ({ test, client }: Awaited<ReturnType<typeof twoRealms>>['acme']) => ({
  code: () => test.code(),
  redeem: (code: string) => test.redeem(client, code),
  refresh: (refresh_token: string) => test.token(client, { grant_type: 'refresh_token', refresh_token }),
  introspect: async (token: string) => (await test.post('/introspect', { token }, basic('app', client.client_secret ?? ''))).json()
})

test('nothing of one realm is valid in another: codes, tokens, clients, keys', async () => {
  const { acme, umbrella } = await twoRealms()
  const [here, there] = [asked(acme), asked(umbrella)]
  await expectTokenError(await there.redeem(await here.code()), 400, 'invalid_grant')
  const tokens = await (await here.redeem(await here.code())).json()
  await expectTokenError(await there.refresh(tokens.refresh_token), 400, 'invalid_grant')
  expect([await there.introspect(tokens.access_token), await there.introspect(tokens.refresh_token)]).toEqual([
    { active: false },
    { active: false }
  ])
  expect(await here.introspect(tokens.access_token)).toMatchObject({ active: true, iss: 'https://acme.example.com' })
  await acme.test.client({ client_id: 'only-acme' })
  await expectPage(await umbrella.test.authorize({ client_id: 'only-acme' }))
  const keys = await Promise.all([acme, umbrella].map(async ({ test }) => (await test.fetch('/jwks')).text()))
  expect(new Set(keys).size).toBe(2)
})

test('a JWT of one realm is nothing in another, and the same secret of a client opens only its own', async () => {
  const { store, open } = await twoRealms()
  const jwt = { acme: asked(await open('jwt-a', 'jwt')), umbrella: asked(await open('jwt-b', 'jwt')) }
  const { access_token } = await (await jwt.acme.redeem(await jwt.acme.code())).json()
  expect(access_token.split('.')).toHaveLength(3)
  expect(await jwt.acme.introspect(access_token)).toMatchObject({ active: true })
  expect(await jwt.umbrella.introspect(access_token)).toEqual({ active: false })
  expect(await store.clients.find('app')).toBeUndefined()
})
