import { createApp } from '../../worker/app.ts';
import type { AskSource } from '../../worker/on-demand/source.ts';
import { parseSettings, type Settings } from '../../worker/settings.ts';
import { KEY, NOW, type SignedMirror } from '../format/support.ts';
import { verifying } from './verification/support.ts';

/** An answer of the app. */
export interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** The app over a mirror in memory, with a clock that the test sets. With `source` it fetches from that. */
export function asking(mirror: SignedMirror, changes: Partial<Settings> = {}, source?: AskSource) {
  const { store } = verifying({}, mirror);
  let time = NOW.getTime();
  const settings = { ...parseSettings({}), trusted: [KEY.publicKey], verifyOperations: 900, ...changes };
  const app = createApp({ store, settings, clock: () => new Date(time), ask: source });
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> => {
    const response = await app.request(`https://mirror.example${path}`, { headers, method });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  return {
    store,
    ask,
    /** Sets the clock to so many seconds after the mirror was signed. */
    at: (seconds: number) => {
      time = NOW.getTime() + seconds * 1000;
    },
  };
}
