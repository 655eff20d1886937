/** Returns the values of an option such as `linux-app`, which commander names `linuxApp`. */
export function optionValues(flags: Readonly<Record<string, unknown>>, option: string | undefined): string[] {
  const name = option?.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return name === undefined ? [] : ((flags[name] as string[] | undefined) ?? []);
}
