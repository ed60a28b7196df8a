// The ES module form of wxsign.js: one source, one landing URL, one queue,
// however often and in whichever form a page loads it.
import './wxsign.js';

const api = typeof window === 'undefined' ? {} : window.wxsign; // a server that renders pages has none

// A module has no document.currentScript. Where the server itself delivered this
// file, its own address says where /jssdk/config is; a bundler's copy does not.
if (api.config && /\/jssdk\/wxsign\.mjs$/.test(new URL(import.meta.url).pathname)) {
  api.endpoint = new URL('config', import.meta.url).href;
}

export default api;
export const {config, reconfigure, signature, share, urls, client, landing} = api;
