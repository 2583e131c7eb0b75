import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { BackchannelRequests, CIBA_GRANT_TYPE, ciba, deviceAuthorization, type NewClient, openid } from '../src/index.ts'
import { ALICE, requestSigner, TILL } from './ciba-support.ts'
import { PAIRWISE_KEY } from './openid-support.ts'
import { basic, REDIRECT_URI, TestServer } from './support.ts'

const SIGNER = await requestSigner()
const SECTOR = 'https://sector.example.com/uris'
const JWKS_URI = SIGNER.metadata.jwks_uri
const DEVICE = { client_id: 'tv', grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], scope: 'openid' }

/** `listed`: the document at the sector identifier. */
function server(listed: readonly string[] = []) {
  const provider = openid({ claims: async () => ({}), pairwiseKey: PAIRWISE_KEY })
  const found = { status: 200, headers: new Headers(), contentType: 'application/json', body: JSON.stringify(listed) }
  const outbound = async ({ url }: { url: string }) => (url === SECTOR ? found : SIGNER.outbound())
  return new TestServer({ extensions: [provider, ciba({ findUser: async ({ value }) => value }), deviceAuthorization()], outbound })
}

const create = (test: TestServer, client: NewClient) => test.server.clients.create({ subject_type: 'pairwise', ...client })

describe('pairwise subjects where nobody is redirected (CIBA Core §4)', () => {
  test('"it MUST check if a valid jwks_uri is set when the subject_type is pairwise", with redirect URIs too', async () => {
    for (const redirect_uris of [[], [REDIRECT_URI]]) {
      const { jwks_uri: _, ...others } = SIGNER.metadata
      await expect(create(server(), { ...TILL, redirect_uris, ...others })).rejects.toMatchObject({ error: 'invalid_client_metadata' })
      await create(server(), { ...TILL, redirect_uris, ...SIGNER.metadata })
    }
  })

  test('"proving possession of a private key corresponding to one of the public keys published at the jwks_uri"', async () => {
    const client = { ...TILL, jwks_uri: JWKS_URI }
    await expect(create(server(), client)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    await create(server(), { ...client, token_endpoint_auth_method: 'private_key_jwt' })
  })

  test('"the jwks_uri must be included in the list of URIs pointed to by the sector_identifier_uri"', async () => {
    const client = { ...TILL, ...SIGNER.metadata, redirect_uris: [REDIRECT_URI], sector_identifier_uri: SECTOR }
    for (const listed of [[], [REDIRECT_URI], [JWKS_URI]])
      await expect(create(server(listed), client)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
    await create(server([REDIRECT_URI, JWKS_URI]), client)
  })

  test('a jwks_uri on another host than the redirect URIs needs a sector_identifier_uri', async () => {
    const client = { ...TILL, ...SIGNER.metadata, redirect_uris: ['https://elsewhere.example/cb'] }
    await expect(create(server(), client)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })

  test('nor does a device get into the sector of somebody else by naming it', async () => {
    const names = [{}, { sector_identifier_uri: SECTOR }, { sector_identifier_uri: SECTOR, jwks_uri: JWKS_URI }]
    for (const metadata of names)
      await expect(create(server([REDIRECT_URI, JWKS_URI]), { ...DEVICE, ...metadata })).rejects.toMatchObject({
        error: 'invalid_client_metadata'
      })
    await create(server(), { ...DEVICE, jwks_uri: JWKS_URI, token_endpoint_auth_method: 'private_key_jwt' })
  })

  test('nor by redirect URIs to which it is never sent, or by a promise to sign requests that it does not make', async () => {
    const promised = { ...DEVICE, ...SIGNER.metadata }
    const both = {
      ...promised,
      grant_types: [...DEVICE.grant_types, ...TILL.grant_types],
      backchannel_token_delivery_mode: 'poll' as const
    }
    for (const client of [{ ...DEVICE, redirect_uris: [REDIRECT_URI] }, promised, both])
      await expect(create(server(), client)).rejects.toMatchObject({ error: 'invalid_client_metadata' })
  })

  test('"to consider the host component of that URI as the Sector Identifier": one sub for all clients of the host', async () => {
    const test = server()
    const { client_secret = '' } = await create(test, { ...TILL, ...SIGNER.metadata })
    const client = basic('till', client_secret)
    const request = await SIGNER.sign(test.now, { scope: 'openid', login_hint: 'alice' })
    const { auth_req_id } = await (await test.post('/bc-authorize', { request }, client)).json()
    const requests = new BackchannelRequests(test.server)
    const [{ id } = { id: '' }] = await requests.list('alice')
    await requests.approve(id, ALICE)
    const { id_token } = await (await test.post('/token', { grant_type: CIBA_GRANT_TYPE, auth_req_id }, client)).json()
    const browser = await create(test, { client_id: 'browser', redirect_uris: [REDIRECT_URI], scope: 'openid' })
    const { sub } = decodeJwt(id_token)
    expect(sub).not.toBe('alice')
    expect(await test.server.subjectFor(browser, 'alice')).toBe(sub)
  })
})
