import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Exchange } from '../exchange.ts';
import { type Health, stateMetrics } from './state.ts';

/** What the log record of a request adds to its exchange. */
export interface Answered {
  /** One of few. */
  route: string;
  status: number;
  /** Of an error. */
  code?: string | undefined;
}

const BY_ANSWER = ['route', 'method', 'status'];

/** The code of an error that has none. */
const UNEXPECTED = 'unexpected';

/** Seconds: from an answer out of memory to a download over a slow line. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 300];

/** Gauges whose names end as only those of counters may. The library has the same figures by type, without that end. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

/**
 * Codes of refusals that are for the operator. Each has a figure from the first: Prometheus sees no increase in a figure that
 * begins with 1.
 */
const FAULTS = [
  ...['mismatch', 'missing', 'too-large', 'bad-signature', 'rolled-back', 'other-mirror', 'unpublished'],
  ...['expired', 'refused', 'upstream', 'source-failed', 'source-refused', UNEXPECTED],
];

/** The figures of one server, in Prometheus' text format. No label has a path, a package or an address. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter('http_requests', 'Requests whose response has ended', BY_ANSWER);
  readonly #bytes = this.#counter('http_response_bytes', 'Bytes of content that were sent', ['route']);
  readonly #cutOff = this.#counter('http_responses_cut_off', 'Responses without their last byte', ['route']);
  readonly #refusals = this.#counter(
    'refusals',
    'Requests that were refused with a code, by that; unexpected for a status of 500 without',
    ['code'],
  );
  readonly #seconds = new Histogram({
    name: 'stout_mirror_http_request_duration_seconds',
    help: 'Seconds from a request to the last byte of its response.',
    ...{ labelNames: ['route'], buckets: BUCKETS, registers: [this.#registry] },
  });
  readonly #inFlight = new Gauge({
    name: 'stout_mirror_http_requests_in_flight',
    help: 'Requests whose response has not ended.',
    registers: [this.#registry],
  });
  readonly #methods: readonly string[];
  readonly #health: () => Promise<Health>;
  readonly #setState = stateMetrics(this.#registry);

  /**
   * `methods` are counted apart: anybody can send others. `health` returns the state of the mirror; it is called for each
   * {@link text}.
   */
  constructor(methods: readonly string[], health: () => Promise<Health>) {
    this.#methods = methods;
    this.#health = health;
    collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
    for (const code of FAULTS) this.#refusals.inc({ code }, 0);
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    const named = { name: `stout_mirror_${name}_total`, help: `${help}.` };
    return new Counter({ ...named, labelNames, registers: [this.#registry] });
  }

  /** The media type of {@link text}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Counts a request that has come. */
  began(): void {
    this.#inFlight.inc();
  }

  /** Counts a request whose response has ended. */
  ended({ method = '', bytes, ms, isWhole }: Exchange, { route, status, code }: Answered): void {
    this.#inFlight.dec();
    this.#requests.inc({ route, method: this.#methods.includes(method) ? method : 'other', status });
    this.#bytes.inc({ route }, bytes);
    this.#seconds.observe({ route }, ms / 1000);
    if (!isWhole) this.#cutOff.inc({ route });
    if (code !== undefined || status === 500) this.#refusals.inc({ code: code ?? UNEXPECTED });
  }

  /** Returns all figures at present. */
  async text(): Promise<string> {
    this.#setState(await this.#health());
    return this.#registry.metrics();
  }
}
