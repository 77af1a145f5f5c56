/**
 * Whether DNS says for certain that there is no such name. A server that does not answer, or answers that it cannot, leaves
 * it open, and so does a name without addresses. `servers`: instead of the machine's own, address:port.
 */
export async function isNameGone(name: string, servers?: readonly string[]): Promise<boolean> {
  const { Resolver } = await import('node:dns/promises')
  const resolver = new Resolver({ timeout: 1000, tries: 1 })
  if (servers !== undefined) resolver.setServers(servers)
  try {
    await resolver.resolve4(name)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTFOUND'
  }
}
