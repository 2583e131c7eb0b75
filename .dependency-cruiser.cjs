// The floors of packages/grantor/src (docs/architecture.md): a file imports its own folder and lower floors. `import type` counts.
const FLOORS = [
  ['errors', 'models', 'crypto', 'outbound'],
  ['http', 'counts', 'params', 'form', 'requests', 'bearer', 'web', 'stores/store', 'stores/storable', 'stores/first-use'],
  ['setting-rules', 'settings', 'policies', 'events', 'keyrings', 'context'],
  [
    'grant-types',
    'response-types',
    'response-modes',
    'client-authentication',
    'clients',
    'interactions',
    'tokens',
    'assertions',
    'request-objects',
    'outbox',
    'stores/memory',
    'stores/contract',
    'stores/contract-tools'
  ],
  ['extension'],
  ['endpoints', 'extensions', 'core'],
  ['authorization-server'],
  ['presets', 'adapters'],
  ['index']
]
const src = '^packages/grantor/src/'
const files = (names) => `${src}(${names.join('|')})(/|\\.ts$)`
const upward = FLOORS.map((names, floor) => ({
  name: `floor-${floor}-imports-no-higher-floor`,
  severity: 'error',
  from: { path: files(names) },
  to: {
    path:
      FLOORS.slice(floor + 1)
        .map(files)
        .join('|') || '^$'
  }
}))
const LEAVES = [
  'grant-types',
  'response-types',
  'response-modes',
  'client-authentication',
  'clients',
  'interactions',
  'tokens',
  'request-objects'
]
const sideways = LEAVES.map((leaf) => ({
  name: `${leaf}-imports-no-neighbour`,
  severity: 'error',
  from: { path: files([leaf]) },
  to: { path: files(LEAVES.filter((other) => other !== leaf)) }
}))

module.exports = {
  forbidden: [
    ...upward.slice(0, -1),
    ...sideways,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'extensions-are-strangers',
      severity: 'error',
      from: { path: `${src}extensions/([^/.]+)` },
      to: { path: `${src}extensions/`, pathNot: `${src}extensions/$1` }
    },
    { name: 'the-library-runs-anywhere', severity: 'error', from: { path: src }, to: { dependencyTypes: ['core'] } },
    {
      name: 'packages-know-public-names-only',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src' },
      to: { path: '^packages/([^/]+)/src', pathNot: '^packages/$1/' }
    },
    {
      name: 'sql-does-not-know-the-server',
      severity: 'error',
      from: { path: '^packages/sql/' },
      to: { path: '^(packages/server/|@grantor/server)' }
    },
    { name: 'everything-is-somewhere', severity: 'error', from: { path: src, pathNot: FLOORS.map(files).join('|') }, to: {} }
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default', 'types'] }
  }
}
