/** The broker cannot be reached, went away, did not answer in time, or does not speak what is asked. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}
