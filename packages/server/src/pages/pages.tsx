import type { Interaction } from 'grantor'
import type { Child, FC } from 'hono/jsx'

const Layout: FC<{ title: string; children: Child }> = ({ title, children }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{title}</title>
      <link rel="stylesheet" href="/assets/style.css" />
    </head>
    <body>
      <main>{children}</main>
    </body>
  </html>
)

/** What stands in every form of an interaction. */
interface FormProps {
  interaction: Interaction
  csrf: string
}

const clientName = ({ client }: Interaction) => client.client_name ?? client.client_id

const About: FC<{ interaction: Interaction }> = ({ interaction: { client } }) => (
  <p class="quiet">
    {client.policy_uri && <a href={client.policy_uri}>Privacy policy</a>} {client.tos_uri && <a href={client.tos_uri}>Terms of service</a>}
  </p>
)

const Logo: FC<{ interaction: Interaction }> = ({ interaction }) =>
  interaction.client.logo_uri ? <img src={interaction.client.logo_uri} alt="" referrerpolicy="no-referrer" /> : null

export const LoginPage: FC<FormProps & { fault?: string; login?: string }> = ({ interaction, csrf, fault, login }) => (
  <Layout title="Sign in">
    <Logo interaction={interaction} />
    <h1>Sign in</h1>
    <p>to continue to {clientName(interaction)}</p>
    {fault && (
      <p class="alarm" role="alert">
        {fault}
      </p>
    )}
    <form method="post">
      <input type="hidden" name="csrf" value={csrf} />
      <label for="login">Name</label>
      <input
        type="text"
        id="login"
        name="login"
        value={login ?? interaction.loginHint ?? ''}
        autocomplete="username"
        autocapitalize="none"
        required
      />
      <label for="password">Password</label>
      <input type="password" id="password" name="password" autocomplete="current-password" required />
      <button type="submit" id="login-submit" name="decision" value="login">
        Sign in
      </button>
      <button type="submit" class="plain" name="decision" value="deny" formnovalidate>
        Cancel
      </button>
    </form>
    <About interaction={interaction} />
  </Layout>
)

export const ConsentPage: FC<FormProps & { name: string }> = ({ interaction, csrf, name }) => (
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
      {interaction.scope.length > 0 ? (
        <>
          <p>It will be able to use:</p>
          <ul>
            {interaction.scope.map((scope) => (
              <li>
                <code>{scope}</code>
                {!interaction.newScope.includes(scope) && <span class="quiet"> (you allowed this before)</span>}
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p>It will only learn that you signed in.</p>
      )}
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
  </Layout>
)

export const ErrorPage: FC<{ error: string; description: string; requestId: string }> = ({ error, description, requestId }) => (
  <Layout title="Request rejected">
    <h1>Request rejected</h1>
    <p>{description}</p>
    <p class="quiet">
      <code>{error}</code>, request <code>{requestId}</code>
    </p>
  </Layout>
)

export const HomePage: FC<{ issuer: string; metadata: string; name: string | undefined; csrf: string }> = ({
  issuer,
  metadata,
  name,
  csrf
}) => (
  <Layout title="Grantor">
    <h1>Grantor is running</h1>
    <p>
      Issuer <code>{issuer}</code>
    </p>
    <p>
      <a href={metadata}>Metadata</a>
    </p>
    {name && (
      <form method="post" action="/sign-out">
        <input type="hidden" name="csrf" value={csrf} />
        <p class="quiet">You are signed in as {name}.</p>
        <button type="submit" class="plain">
          Sign out
        </button>
      </form>
    )}
  </Layout>
)

/** Where the browser will go, in words that a person can judge. */
function destination(redirectUri: string): string {
  const { protocol, hostname, host } = new URL(redirectUri)
  if (['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return 'an application on this computer'
  return protocol === 'https:' ? host : `the application that opens ${protocol}`
}
