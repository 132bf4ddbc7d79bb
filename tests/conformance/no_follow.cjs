// Prism follows redirects itself; what is to be checked is the redirect (logs: 302 to another host).
const prism = require.resolve('@stoplight/prism-http');
const fetch = require(require.resolve('node-fetch', { paths: [prism] }));
const follow = fetch.default;
fetch.default = (url, options) => follow(url, { ...options, redirect: 'manual' });
