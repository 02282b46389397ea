import type { DeployFile } from '../../lib/config/deploy-file.ts';
import type { SystemAddresses } from './parts.ts';

/** Maps the domain names of the deploy file to the ports of the local systems: what DNS does on AWS. */
export function makeOriginResolver(
  origins: DeployFile['origins'],
  systems: SystemAddresses,
): (domainName: string) => number | null {
  const ports = new Map([
    [origins.hierarchical.domainName, Number(new URL(systems.hierarchicalUrl).port)],
    [origins.flat.domainName, Number(new URL(systems.flatUrl).port)],
  ]);
  return (domainName) => ports.get(domainName) ?? null;
}
