/** An IPv4 address as a socket for both families has it (RFC 4291, section 2.5.5.2) is that IPv4 address. */
export function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
