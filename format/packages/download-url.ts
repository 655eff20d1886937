const SCHEME = /^([a-z][a-z0-9+.-]*):/i;
const LOOPBACK = /^http:\/\/(?:localhost|127(?:\.\d+){3}|\[::1\])(?:[:/]|$)/i;

/** Addresses that brew takes for repositories. */
const REPOSITORIES = [
  /^[^?#]+\.git\/?(?:[?#]|$)/i,
  /^https?:\/\/(?:git\.sr\.ht|tangled\.sh)\/[^/]+\/[^/]+\/?$/i,
  /^https?:\/\/svn\./i,
  /^https?:\/\/(?:[^/]+\.)?googlecode\.com\/(?:svn|hg)\b/i,
  /^https?:\/\/(?:[^/]+\.)?sourceforge\.net\/(?:svnroot|hgweb)\//i,
];

/**
 * Says why what an upstream names as a download cannot be had as one file over https; `undefined` where it can. Addresses
 * may be relative to the upstream.
 */
export function whyNotDownloaded(url: string | null): string | undefined {
  if (url === null || url === '') return 'it has no download';
  if (REPOSITORIES.some((form) => form.test(url))) return 'it is a repository, not one file';
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'http' && !LOOPBACK.test(url)) return 'its download is not offered over https';
  if (scheme === undefined || ['https', 'http', 'file'].includes(scheme)) return undefined;
  return 'its download is not a file on a web server';
}
