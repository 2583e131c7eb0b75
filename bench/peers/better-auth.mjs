// As the documentation of better-auth has it: the plugins jwt and oauthProvider, a database of its own (SQLite in memory, from node:sqlite),
// `toNodeHandler` on node:http. Its clients are trusted (`skip_consent`), which spares it the look-up of a consent.
import { DatabaseSync } from 'node:sqlite'
import { oauthProvider } from '@better-auth/oauth-provider'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt } from 'better-auth/plugins'
import { serve } from '../contenders/serve.ts'
import { codeFlow, form, REDIRECT_URI } from '../workloads/plan.ts'

const RESOURCE = 'https://api.example.com'
const base = '/api/auth'
const scope = 'openid profile email offline_access'

/** A database of which each statement that is run is counted. */
function countedDatabase(counter) {
  const database = new DatabaseSync(':memory:')
  const prepare = database.prepare.bind(database)
  database.prepare = (sql) => counter.count(prepare(sql), /^select/i.test(sql) ? /./ : /^columns$/)
  return database
}

await serve(async ({ origin, people, counter }) => {
  const auth = betterAuth({
    baseURL: origin,
    secret: 'a secret of the benchmark, which is not one',
    database: countedDatabase(counter),
    emailAndPassword: { enabled: true },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    telemetry: { enabled: false },
    disabledPaths: ['/token'],
    plugins: [
      jwt({ jwks: { keyPairConfig: { alg: 'ES256' } } }),
      oauthProvider({
        loginPage: '/sign-in',
        consentPage: '/consent',
        scopes: ['openid', 'profile', 'email', 'offline_access', 'read'],
        resources: [RESOURCE],
        enforcePerClientResources: false,
        clientPrivileges: () => true,
        silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true }
      })
    ]
  })
  const { runMigrations } = await getMigrations(auth.options)
  await runMigrations()
  const signUp = async (name) => {
    const body = { name, email: `${name}@example.com`, password: 'correct horse battery staple' }
    const { headers } = await auth.api.signUpEmail({ body, returnHeaders: true })
    return headers
      .getSetCookie()
      .map((cookie) => cookie.split(';', 1)[0])
      .join('; ')
  }
  const headers = new Headers({ cookie: await signUp('operator') })
  const create = async (body) => {
    const client = await auth.api.adminCreateOAuthClient({ headers, body: { skip_consent: true, ...body } })
    return { id: client.client_id, secret: client.client_secret }
  }
  const machine = await create({
    grant_types: ['client_credentials'],
    redirect_uris: [REDIRECT_URI],
    client_credentials_scopes: ['read'],
    scope: 'read'
  })
  const app = await create({ redirect_uris: [REDIRECT_URI], grant_types: ['authorization_code', 'refresh_token'], scope })
  return {
    listener: toNodeHandler(auth),
    async plan() {
      const cookies = []
      for (let index = 0; index < people; index++) cookies.push(await signUp(`person-${index}`))
      const [token, authorize] = [`${base}/oauth2/token`, `${base}/oauth2/authorize`]
      const params = { grant_type: 'client_credentials', scope: 'read' }
      return {
        opaque: form(token, machine, params),
        jwt: form(token, machine, { ...params, resource: RESOURCE }),
        introspect: form(`${base}/oauth2/introspect`, machine, { token_type_hint: 'access_token' }),
        code: codeFlow(app, 'offline_access', { authorize, token }),
        openid: codeFlow(app, scope, { authorize, token }),
        refresh: form(token, app, { grant_type: 'refresh_token' }),
        userinfo: `${base}/oauth2/userinfo`,
        documents: [`${base}/.well-known/openid-configuration`, `${base}/jwks`],
        people: cookies
      }
    }
  }
})
