import { arch, platform } from 'node:os';
import { describe, expect, it } from 'vitest';
import { chosenTags, hostTag } from '../../builder/request/platforms.ts';
import { fileExtension } from '../../format/packages/kind.ts';
import { failing } from './failing.ts';

const tagsOf = (arch: string[], os: string[], platforms: string[] = []) =>
  chosenTags({ arch, os, platforms });

describe('chosenTags', () => {
  it.each([
    [['arm64'], ['monterey'], [], ['arm64_monterey']],
    [['x86_64'], ['monterey'], [], ['monterey']],
    [
      ['intel', 'aarch64'],
      ['sonoma', 'linux'],
      [],
      ['arm64_linux', 'arm64_sonoma', 'sonoma', 'x86_64_linux'],
    ],
    [[], [], ['x86_64_sonoma', 'sonoma', 'aarch64_linux'], ['arm64_linux', 'sonoma']],
    [['arm64'], ['linux'], ['sonoma'], ['arm64_linux', 'sonoma']],
  ])('when asked for %j, %j and %j, chooses %j', (arch, os, platforms, tags) => {
    expect(tagsOf(arch, os, platforms)).toEqual(tags);
  });

  it('when asked for nothing, chooses nothing', () => {
    expect(tagsOf([], [])).toEqual([]);
  });

  it.runIf(platform() === 'linux')("when half of it is not said, takes this machine's", () => {
    expect(hostTag()).toBe(arch() === 'arm64' ? 'arm64_linux' : 'x86_64_linux');
    expect(tagsOf(['arm64'], [])).toEqual(['arm64_linux']);
  });

  it.each([
    [['sparc'], ['linux'], []],
    [['arm64'], ['windows'], []],
    [[], [], ['arm64_leopard']],
    [[], [], ['']],
    [[], [], ['../evil']],
  ])('when asked for %j, %j and %j, refuses', (arch, os, platforms) => {
    expect(() => tagsOf(arch, os, platforms)).toThrow(failing('usage'));
  });
});

describe('fileExtension', () => {
  it.each([
    ['https://example.com/Firefox%20143.0.dmg', 'dmg'],
    ['https://example.com/app.zip?version=1.2#top', 'zip'],
    ['downloads/tool-1.2.tar.gz', 'tar.gz'],
    ['https://example.com/a/tool.tar.XZ', 'tar.XZ'],
    ['https://example.com/app.pkg.zip', 'zip'],
    ['https://example.com/v1.2/download', 'bin'],
    ['https://example.com/download/', 'bin'],
    ['https://example.com', 'bin'],
    ['s3://example.com', 'bin'],
    ['https://example.com?file=a.dmg', 'bin'],
    ['https://example.com/x.dmg/../../evil', 'bin'],
    ['https://example.com/x.with-dashes', 'bin'],
    ['https://example.com/x.averyverylongextension', 'bin'],
    ['', 'bin'],
  ])('when a URL is %s, is %s', (url, extension) => {
    expect(fileExtension(url)).toBe(extension);
  });
});
