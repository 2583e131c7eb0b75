import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GrantorServer, parseConfig } from '../src/index.ts'
import { startServer } from './support.ts'

const ISSUER = 'https://id.example.com'
const PROFILE = 'openid-certification'

describe('profile', () => {
  test('sets what the configuration does not', () => {
    const config = parseConfig({ issuer: ISSUER, profile: PROFILE }, '/srv')
    expect(config).toMatchObject({
      extensions: ['request_objects'],
      requestObjects: { byReference: true },
      openid: { pairwiseKeyFile: '/srv/data/pairwise-key' },
      registration: { access: 'open', quota: false },
      settings: { requirePkce: false }
    })
    expect(config.openid.responseTypes).toHaveLength(5)
  })

  test('gives way to the configuration, in objects member by member', () => {
    const own = { requirePkce: true, openid: { responseTypes: [] }, limits: { signInsPerAccount: 5 }, extensions: ['client_secret_jwt'] }
    const config = parseConfig({ issuer: ISSUER, profile: PROFILE, ...own }, '/srv')
    expect(config).toMatchObject({
      extensions: ['client_secret_jwt'],
      openid: { responseTypes: [], pairwiseKeyFile: '/srv/data/pairwise-key' },
      limits: { signInsPerAccount: 5, signInsPerAddress: 10_000 },
      settings: { requirePkce: true }
    })
  })

  test('is one that there is', () => {
    for (const profile of ['openid', 'toString', '', 1, null]) expect(() => parseConfig({ issuer: ISSUER, profile })).toThrow(/profile/)
    expect(() => parseConfig({ issuer: ISSUER, profile: PROFILE, limits: 5 })).toThrow(/limits/)
  })
})

describe('without a profile', () => {
  let server: GrantorServer
  let issuer: string
  beforeAll(async () => {
    ;({ server, issuer } = await startServer())
  })
  afterAll(() => server.close())

  test('nothing of it is served', async () => {
    const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
    expect(metadata.response_types_supported).toEqual(['code', 'none'])
    expect(metadata.subject_types_supported).toEqual(['public'])
    expect(metadata.grant_types_supported).not.toContain('implicit')
    expect(metadata).not.toHaveProperty('registration_endpoint')
    expect([metadata.request_parameter_supported, metadata.request_uri_parameter_supported]).toEqual([false, false])
    const { client_id } = await server.authorization.clients.create({ redirect_uris: ['https://client.example.com/cb'], scope: 'openid' })
    const url = `${issuer}/authorize?client_id=${client_id}&response_type=code&scope=openid&redirect_uri=https://client.example.com/cb`
    const { headers } = await fetch(url, { redirect: 'manual' })
    expect(headers.get('location')).toContain('error=invalid_request')
  })
})
