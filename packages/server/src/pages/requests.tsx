import type { BackchannelRequest } from 'grantor'
import type { FC } from 'hono/jsx'
import { About, Alarm, clientName, Layout, Logo } from './layout.tsx'
import { LoginFields } from './login-fields.tsx'
import { type Details, Permissions, ResourceList, type Resources, Unverified } from './permission-list.tsx'

const TITLE = 'Requests for you'

/** A request that waits, as its page shows it. */
export interface WaitingRequest {
  request: BackchannelRequest
  /** The APIs that the client will use. */
  resources: Resources
  /** What it asks for besides scope (RFC 9396). */
  details: Details
  csrf: string
}

/** `name`: who is signed in. */
export const RequestsPage: FC<{ name: string; waiting: readonly WaitingRequest[] }> = ({ name, waiting }) => (
  <Layout title={TITLE}>
    <h1>{TITLE}</h1>
    <p class="quiet">You are signed in as {name}.</p>
    {waiting.length === 0 ? (
      <p>Nobody asks anything of you.</p>
    ) : (
      <p class="alarm">Allow only what you started yourself, or were told of by somebody whom you trust. If in doubt, deny.</p>
    )}
    {waiting.map((one) => (
      <Waiting {...one} />
    ))}
    <p>
      <a href="/requests">Look again</a>
    </p>
  </Layout>
)

/** To deny is as easy as to allow. */
const Waiting: FC<WaitingRequest> = ({ request, resources, details, csrf }) => (
  <div class="request">
    <Logo interaction={request} />
    <h2 id={request.id}>{clientName(request)} asks for you</h2>
    {request.bindingMessage !== undefined && (
      <>
        <p>Where you started it must stand:</p>
        <p class="message">{request.bindingMessage}</p>
      </>
    )}
    <Permissions interaction={{ ...request, newScope: request.scope }} details={details} />
    <ResourceList resources={resources} />
    <Unverified interaction={request} />
    <p class="quiet">
      Asked at {timeOf(request.requestedAt)}, until {timeOf(request.expiresAt)}
    </p>
    <form method="post" action={`/requests/${request.id}`}>
      <input type="hidden" name="csrf" value={csrf} />
      <div class="pair">
        <button type="submit" class="plain" name="decision" value="deny" aria-describedby={request.id}>
          Deny
        </button>
        <button type="submit" class="plain" name="decision" value="approve" aria-describedby={request.id}>
          Allow
        </button>
      </div>
    </form>
    <About interaction={request} />
  </div>
)

export const RequestDecidedPage: FC<{ request: BackchannelRequest; approved: boolean }> = ({ request, approved }) => (
  <Layout title={approved ? 'Allowed' : 'Denied'}>
    <h1>
      You {approved ? 'allowed' : 'denied'} what {clientName(request)} asked
    </h1>
    <p>
      <a href="/requests">See whether there is more</a>
    </p>
  </Layout>
)

/** `fault`: why the last attempt failed; `login`: the name that was typed. */
export const RequestsSignInPage: FC<{ csrf: string; fault?: string; login?: string }> = ({ csrf, fault, login = '' }) => (
  <Layout title="Sign in">
    <h1>Sign in</h1>
    <p>to see what waits for you</p>
    <Alarm text={fault} />
    <form method="post" action="/requests">
      <input type="hidden" name="csrf" value={csrf} />
      <LoginFields login={login} />
    </form>
  </Layout>
)

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toUTCString()
}
