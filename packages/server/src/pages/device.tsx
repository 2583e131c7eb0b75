import type { DeviceDecision, DeviceQuestion, UserCodeQuestion } from 'grantor'
import type { FC } from 'hono/jsx'
import { About, Alarm, clientName, Layout, Logo } from './layout.tsx'
import { type Details, Permissions, ResourceList, type Resources, Unverified } from './permission-list.tsx'

const FAULTS: Readonly<Record<NonNullable<UserCodeQuestion['fault']>, string>> = {
  unknown: 'This code is wrong, was used, or has expired. Look at the device again.',
  too_many: 'Too many wrong codes. Wait a while, then try again.'
}

export const EnterCodePage: FC<UserCodeQuestion> = ({ action, fields, userCode, fault }) => (
  <Layout title="Connect a device">
    <h1>Connect a device</h1>
    <Alarm text={fault && FAULTS[fault]} />
    <form method="post" action={action}>
      <Hidden fields={fields} />
      <label for="user_code">The code that your device shows</label>
      <input
        type="text"
        id="user_code"
        name="user_code"
        class="code"
        value={userCode ?? ''}
        autocomplete="off"
        autocapitalize="characters"
        spellcheck={false}
        aria-describedby="user_code-help"
        required
      />
      <p id="user_code-help" class="quiet">
        Eight letters, such as WDJB-MJHT. Small letters and blanks are fine.
      </p>
      <button type="submit" id="device-continue">
        Continue
      </button>
    </form>
  </Layout>
)

/** `name`: who is signed in; `resources`: the APIs that the device will use. To deny is as easy as to allow (RFC 8628 §5.4). */
export const ConfirmDevicePage: FC<{ question: DeviceQuestion; name: string; resources: Resources; details: Details }> = ({
  question,
  name,
  resources,
  details
}) => (
  <Layout title="Connect a device">
    <Logo interaction={question} />
    <h1>Connect {clientName(question)} to your account?</h1>
    <p>Your device must show this code:</p>
    <p class="code" id="user-code">
      {question.userCode}
    </p>
    <p class="alarm">Only continue if you started this on a device in front of you. If somebody gave you the code, deny.</p>
    <p class="quiet">You are signed in as {name}.</p>
    <Permissions interaction={{ ...question, newScope: question.scope }} details={details} />
    <ResourceList resources={resources} />
    <Unverified interaction={question} />
    <Origin question={question} />
    <form method="post" action={question.action}>
      <Hidden fields={question.fields} />
      <div class="pair">
        <button type="submit" id="device-deny" class="plain" name="decision" value="deny">
          Deny
        </button>
        <button type="submit" id="device-approve" class="plain" name="decision" value="approve">
          Allow
        </button>
      </div>
    </form>
    <About interaction={question} />
  </Layout>
)

export const DeviceDecidedPage: FC<DeviceDecision> = ({ client, approved }) => (
  <Layout title={approved ? 'Device connected' : 'Device refused'}>
    <h1>{approved ? `${clientName({ client })} is connected` : `${clientName({ client })} was refused`}</h1>
    <p>{approved ? 'Go back to your device: it goes on in a few seconds.' : 'It gets no access to your account.'}</p>
    <p>You can close this page.</p>
  </Layout>
)

/** Where the request came from, as far as is known. */
const Origin: FC<{ question: DeviceQuestion }> = ({ question: { address, userAgent, requestedAt } }) => (
  <table>
    <caption>Where this was started</caption>
    <tbody>
      {address && <Row name="Address">{address}</Row>}
      {userAgent && <Row name="Software">{userAgent}</Row>}
      <Row name="Time">{new Date(requestedAt * 1000).toUTCString()}</Row>
    </tbody>
  </table>
)

const Row: FC<{ name: string; children: string }> = ({ name, children }) => (
  <tr>
    <th scope="row">{name}</th>
    <td>{children}</td>
  </tr>
)

const Hidden: FC<{ fields: Readonly<Record<string, string>> }> = ({ fields }) => (
  <>
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
  </>
)
