import { describe, expect, it } from 'vitest';
import { clientTags, compatibleTags, parseTag, tagOf } from '../../format/tags.ts';
import { failing } from './support.ts';

describe('a platform tag', () => {
  it.each([
    ['arm64_sonoma', 'arm64_sonoma'],
    ['aarch64_sonoma', 'arm64_sonoma'],
    ['sonoma', 'sonoma'],
    ['x86_64_sonoma', 'sonoma'],
    ['amd64_sonoma', 'sonoma'],
    ['x86_64_linux', 'x86_64_linux'],
    ['amd64_linux', 'x86_64_linux'],
    ['aarch64_linux', 'arm64_linux'],
    ['arm64_big_sur', 'arm64_big_sur'],
    ['x86_64_high_sierra', 'high_sierra'],
    ['golden_gate', 'golden_gate'],
    ['all', 'all'],
  ])("when it is written %s, is Homebrew's %s", (text, tag) => {
    expect(parseTag(text)).toBe(tag);
  });

  it.each([
    '',
    'windows',
    'arm64',
    'arm64_',
    '_sonoma',
    'arm64_all',
    'arm64_arm64_sonoma',
    'riscv64_linux',
    'Sonoma',
    'sonoma ',
    'sonoma\n',
    '../sonoma',
    'constructor',
    'arm64_constructor',
    '__proto__',
    'x'.repeat(10_240),
  ])('when it is written %j, is refused', (text) => {
    expect(() => parseTag(text)).toThrow(failing('bad-input'));
  });
});

describe('an architecture and an operating system', () => {
  it.each([
    ['arm64', 'monterey', 'arm64_monterey'],
    ['aarch64', 'linux', 'arm64_linux'],
    ['x86_64', 'linux', 'x86_64_linux'],
    ['x64', 'linux', 'x86_64_linux'],
    ['intel', 'ventura', 'ventura'],
  ])('when they are %s and %s, give %s', (arch, os, tag) => {
    expect(tagOf(arch, os)).toBe(tag);
  });

  it.each([
    ['ppc', 'linux'],
    ['', 'linux'],
    ['arm64', 'windows'],
    ['arm64', ''],
    ['constructor', 'linux'],
    ['toString', 'sonoma'],
    ['__proto__', 'linux'],
  ])('when they are %j and %j, are refused', (arch, os) => {
    expect(() => tagOf(arch, os)).toThrow(failing('bad-input'));
  });
});

describe('the bottles that a platform can use', () => {
  it('when it is macOS, are its own, older ones of its architecture newest first, then all', () => {
    const tags = compatibleTags('arm64_tahoe');
    expect(tags.slice(0, 4)).toEqual(['arm64_tahoe', 'arm64_sequoia', 'arm64_sonoma', 'arm64_ventura']);
    expect(tags.at(-1)).toBe('all');
    expect(tags.slice(0, -1).every((tag) => tag.startsWith('arm64_'))).toBe(true);
    expect(compatibleTags('monterey').slice(0, 3)).toEqual(['monterey', 'big_sur', 'catalina']);
  });

  it('when it is macOS, are never those of a newer release', () => {
    expect(compatibleTags('ventura')).not.toContain('sonoma');
    expect(compatibleTags('ventura').some((tag) => tag.includes('arm64'))).toBe(false);
  });

  it('when it is Linux, are its own and all', () => {
    expect(compatibleTags('x86_64_linux')).toEqual(['x86_64_linux', 'all']);
    expect(compatibleTags('arm64_linux')).toEqual(['arm64_linux', 'all']);
    expect(compatibleTags('all')).toEqual(['all']);
  });
});

describe('the spellings by which clients ask', () => {
  it('when it is Intel macOS, are both: brew and stout differ', () => {
    expect(clientTags('sonoma')).toEqual(['sonoma', 'x86_64_sonoma']);
  });

  it.each(['arm64_sonoma', 'x86_64_linux', 'arm64_linux', 'all'])(
    'when it is %s, there is only that one',
    (tag) => {
      expect(clientTags(tag)).toEqual([tag]);
    },
  );
});
