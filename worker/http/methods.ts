/** What a mirror can be asked with (RFC 9110 section 9.2.1: the safe methods), as `Allow` says it. */
export const METHODS = 'GET, HEAD, OPTIONS';
