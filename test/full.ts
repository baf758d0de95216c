/** `npm run test:full` asks for the long form of a test: more cases, more leads. */
export const FULL = process.env.FULL === 'true'
