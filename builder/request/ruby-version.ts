/** The form of a version in a brew's `portable-ruby-version`. */
export const RUBY_VERSION = /^\d+(?:\.\d+){1,3}(?:_\d+)?$/;
