import { raw } from 'hono/html'
import type { FC } from 'hono/jsx'
import type { DeviceAuthorizationResponse } from 'openid-client'
import encodeQR from 'qr'
import { type Claims, ClaimTable } from './demo.tsx'
import { Alarm, Layout } from './layout.tsx'

/** What a device shows: its code, where to bring it and, for a camera, both at once (RFC 8628 §3.3.1); then who allowed it. */
export const DemoDevicePage: FC<{ codes?: DeviceAuthorizationResponse; claims?: Claims; fault?: string }> = ({ codes, claims, fault }) => (
  <Layout title="Demo device">
    <h1>{claims ? 'This device is connected' : 'Connect this device'}</h1>
    <p class="quiet">This page is a device without a browser. It uses this server as yours would.</p>
    <Alarm text={fault} />
    {codes && (
      <>
        <p>
          Open <a href={codes.verification_uri}>{codes.verification_uri}</a> on your phone or computer, and enter
        </p>
        <p class="code" id="user-code">
          {codes.user_code}
        </p>
        <p>or scan:</p>
        <a class="qr" href={codes.verification_uri_complete} aria-label="Open the page with the code filled in">
          {raw(encodeQR(codes.verification_uri_complete ?? codes.verification_uri, 'svg'))}
        </a>
        <p class="quiet">It asks every few seconds whether you did.</p>
      </>
    )}
    {claims && <ClaimTable title="ID token, verified" claims={claims} />}
    {!codes && (
      <p>
        <a href="/demo/device">Connect again</a>
      </p>
    )}
  </Layout>
)
