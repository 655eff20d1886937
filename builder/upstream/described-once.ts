import type { Upstream } from './upstream.ts';

/** Returns an upstream that describes each package once, however often it is asked; what failed, fails again. */
export function describedOnce(upstream: Upstream): Upstream {
  const known = new Map<string, Promise<unknown>>();
  return {
    location: upstream.location,
    version: upstream.version,
    name: upstream.name,
    index: (kind) => upstream.index(kind),
    vulnerabilities: () => upstream.vulnerabilities(),
    close: () => upstream.close(),
    describe: (kind, listed) => {
      const key = `${kind.id} ${listed.name}`;
      const description = known.get(key) ?? upstream.describe(kind, listed);
      known.set(key, description);
      return description;
    },
  };
}
