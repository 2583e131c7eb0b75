import type { FC } from 'hono/jsx'
import { Alarm, Layout } from './layout.tsx'

export type Claims = Readonly<Record<string, unknown>>

interface DemoProps {
  claims?: Claims
  userinfo?: Claims
  hasRefreshToken?: boolean
  signOut?: string | undefined
  fault?: string
}

/** What an application learns of a person who signed in. */
export const DemoPage: FC<DemoProps> = ({ claims, userinfo, hasRefreshToken, signOut, fault }) => (
  <Layout title="Demo application">
    <h1>{claims ? 'You are signed in' : 'Nobody signed in'}</h1>
    <p class="quiet">This is the demo application. It uses this server as yours would.</p>
    <Alarm text={fault} />
    {claims && <ClaimTable title="ID token, verified" claims={claims} />}
    {userinfo && <ClaimTable title="Userinfo" claims={userinfo} />}
    {claims && <p class="quiet">{hasRefreshToken ? 'A refresh token came with it.' : 'No refresh token came with it.'}</p>}
    <p>
      <a href="/demo">Sign in again</a>
      {signOut && (
        <>
          {' · '}
          <a id="sign-out" href={signOut}>
            Sign out
          </a>
        </>
      )}
    </p>
  </Layout>
)

export const ClaimTable: FC<{ title: string; claims: Claims }> = ({ title, claims }) => (
  <table>
    <caption>{title}</caption>
    <tbody>
      {Object.entries(claims).map(([name, value]) => (
        <tr>
          <th scope="row">{name}</th>
          <td>
            <code>{typeof value === 'string' ? value : JSON.stringify(value, undefined, 1)}</code>
          </td>
        </tr>
      ))}
    </tbody>
  </table>
)
