const grantor = require('grantor')
const { storeContract } = require('grantor/stores/contract')

void import('./flow.mjs').then(async ({ flow }) => {
  if (typeof storeContract !== 'function') throw new Error('grantor/stores/contract has no storeContract')
  console.log(await flow(grantor))
})
