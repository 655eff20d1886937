import { send } from './http.ts';

/** Returns the samples of a text in Prometheus' format, by name and labels as it writes them. */
export const samplesOf = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
  );

/** Asks for figures, and returns those of one name: by their labels as text, or '' without any. */
export async function figuresAt(url: string | undefined, name: string): Promise<Record<string, number>> {
  const { origin, pathname } = new URL(url ?? '');
  const samples = samplesOf((await send(origin, pathname)).body.toString());
  const wanted = [...samples].filter(([key]) => key === name || key.startsWith(`${name}{`));
  return Object.fromEntries(wanted.map(([key, value]) => [key.slice(name.length), value]));
}
