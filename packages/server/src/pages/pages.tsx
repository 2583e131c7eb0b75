import type { FC } from 'hono/jsx'
import { About, Alarm, clientName, type FormProps, Layout, Logo } from './layout.tsx'
import { LoginFields } from './login-fields.tsx'
import { type Details, Permissions, ResourceList, type Resources, Unverified } from './permission-list.tsx'

/** `fault`: why the last attempt failed; `login`: the name that was typed; `signUp`: whether people may create accounts. */
export const LoginPage: FC<FormProps & { fault?: string; login?: string; signUp: boolean }> = ({
  interaction,
  csrf,
  fault,
  login,
  signUp
}) => (
  <Layout title="Sign in">
    <Logo interaction={interaction} />
    <h1>Sign in</h1>
    <p>to continue to {clientName(interaction)}</p>
    <Alarm text={fault} />
    <form method="post">
      <input type="hidden" name="csrf" value={csrf} />
      <LoginFields login={login ?? interaction.loginHint ?? ''} />
      <button type="submit" class="plain" name="decision" value="deny" formnovalidate>
        Cancel
      </button>
    </form>
    {signUp && (
      <p class="quiet">
        You have no account? <a href={`/interaction/${interaction.id}/sign-up`}>Create an account</a>
      </p>
    )}
    <About interaction={interaction} />
  </Layout>
)

/** `resources`: the APIs that the application will use; none: it names none. `details`: what it asks for besides scope (RFC 9396). */
export const ConsentPage: FC<FormProps & { name: string; resources: Resources; details: Details }> = ({
  interaction,
  csrf,
  name,
  resources,
  details
}) => (
  <Layout title="Allow access">
    <Logo interaction={interaction} />
    <h1>{clientName(interaction)} wants access to your account</h1>
    <form method="post">
      <input type="hidden" name="csrf" value={csrf} />
      <p class="quiet">
        You are signed in as {name}.{' '}
        <button type="submit" class="link" name="decision" value="switch">
          Not you?
        </button>
      </p>
      <Permissions interaction={interaction} details={details} />
      <ResourceList resources={resources} />
      <Unverified interaction={interaction} />
      <p class="quiet">You will go on to {destination(interaction.redirectUri)}.</p>
      <button type="submit" id="consent-allow" name="decision" value="allow">
        Allow
      </button>
      <button type="submit" id="consent-deny" class="plain" name="decision" value="deny">
        Deny
      </button>
    </form>
    <About interaction={interaction} />
  </Layout>
)

export const AccountPage: FC<FormProps & { name: string }> = ({ interaction, csrf, name }) => (
  <Layout title="Choose an account">
    <Logo interaction={interaction} />
    <h1>Choose an account</h1>
    <p>to continue to {clientName(interaction)}</p>
    <form method="post">
      <input type="hidden" name="csrf" value={csrf} />
      <button type="submit" id="account-continue" name="decision" value="continue">
        Continue as {name}
      </button>
      <button type="submit" class="plain" name="decision" value="switch">
        Use another account
      </button>
    </form>
    <About interaction={interaction} />
  </Layout>
)

/** Where the browser will go, in words that a person can judge. */
function destination(redirectUri: string): string {
  const { protocol, hostname, host } = new URL(redirectUri)
  if (['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return 'an application on this computer'
  return protocol === 'https:' ? host : `the application that opens ${protocol}`
}
