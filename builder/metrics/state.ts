import { Counter, Gauge, type Registry } from 'prom-client';

/** What `/api/v1/health` says, as far as figures need it. */
export interface Health {
  ok: boolean;
  not_as_signed: { files: number } | null;
  on_demand: { fetched: number; bytes: number; failed: number; seconds: number } | null;
  snapshot?: { version: number; created_at: string; expires_at: string };
}

/** Adds figures about the state of a mirror to a registry. Returns a function that sets them. */
export function stateMetrics(registry: Registry): (health: Health) => void {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name: `stout_mirror_${name}`, help, registers });
  const counter = (name: string, help: string) =>
    new Counter({ name: `stout_mirror_${name}`, help, registers });
  const ok = gauge(
    'snapshot_ok',
    '1 while the snapshot of the root can be served and has not expired, otherwise 0.',
  );
  const version = gauge('snapshot_version', 'Version of the snapshot of the root.');
  const created = gauge(
    'snapshot_created_timestamp_seconds',
    'When the snapshot of the root was made, Unix time.',
  );
  const expires = gauge(
    'snapshot_expires_timestamp_seconds',
    'When the snapshot of the root expires, Unix time.',
  );
  const faults = gauge('files_not_as_signed', 'Files that were found not to be as signed in the last hour.');
  const fetched = {
    fetched: counter('fetches_total', 'Files on demand that were fetched.'),
    failed: counter('fetch_failures_total', 'Fetches of files on demand that failed.'),
    bytes: counter('fetch_bytes_total', 'Bytes of the files on demand that were fetched.'),
    seconds: counter('fetch_seconds_total', 'Seconds that fetches of files on demand took, failed ones too.'),
  };
  return (health) => {
    // A server with an error answers with a problem document instead, which has no `ok`.
    ok.set(health.ok === true ? 1 : 0);
    const { snapshot } = health;
    setOrRemove(version, snapshot?.version);
    setOrRemove(created, snapshot && secondsOf(snapshot.created_at));
    setOrRemove(expires, snapshot && secondsOf(snapshot.expires_at));
    faults.set(health.not_as_signed?.files ?? 0);
    for (const name of ['fetched', 'failed', 'bytes', 'seconds'] as const) {
      fetched[name].reset();
      fetched[name].inc(health.on_demand?.[name] ?? 0);
    }
  };
}

const secondsOf = (time: string): number => Date.parse(time) / 1000;

/** A snapshot that is not served has no figures: old ones would be taken for its own. */
function setOrRemove(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove();
  else gauge.set(value);
}
