import { describe, expect, it } from 'vitest';
import { allowedUrl } from '../../builder/http/policy.ts';
import { failing } from './failing.ts';

const PUBLIC = { loopback: false };
const OWN = { loopback: true };

describe('allowedUrl', () => {
  it.each([
    'https://ghcr.io/v2/homebrew/core/jq/blobs/sha256:00',
    'https://example.com:8443/',
    'https://8.8.8.8/',
    'https://172.32.0.1/',
    'https://[2606:4700::1111]/',
    'https://localhost.example.com/',
    'https://[64:ff9b::808:808]/',
  ])('when an address is %s, allows it', (url) => {
    expect(allowedUrl(new URL(url), PUBLIC).href).toBe(url);
    expect(allowedUrl(new URL(url), OWN).href).toBe(url);
  });

  it.each([
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'data:,x',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://app.localhost/',
    'https://[::1]/',
    'https://[2002:7f00:1::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://[2::1]/',
    'https://[64:ff9b::a00:1]/',
    'https://[64:ff9b:1::808:808]/',
    'https://[2001:0:7f00:1::1]/',
    'https://[2001:db8::1]/',
    'https://[::]/',
    'https://0/',
    'https://0177.0.0.1/',
    'https://203.0.113.7/',
    'https://255.255.255.255/',
    'https://nas.home.arpa/',
    'https://localhost.localdomain/',
  ])('when an address is %s, refuses it', (url) => {
    expect(() => allowedUrl(new URL(url), PUBLIC)).toThrow(failing('refused'));
    expect(() => allowedUrl(new URL(url), OWN)).toThrow(failing('refused'));
  });

  it.each(['http://127.0.0.1:9/x', 'http://localhost/', 'http://[::1]:8080/', 'http://127.9.9.9/'])(
    'when an address is %s, allows it to an upstream of this machine alone',
    (url) => {
      expect(allowedUrl(new URL(url), OWN).href).toBe(url);
      expect(() => allowedUrl(new URL(url), PUBLIC)).toThrow(failing('refused', { where: url }));
    },
  );
});
