// A business server with co-wechat-api.
const API = require('co-wechat-api');
const {main, openid, content} = require('./client');

main(({base, key, appId}) => {
  const api = new API(appId, key);
  api.prefix = `${base}/cgi-bin/`;
  return {
    token: async () => (await api.ensureAccessToken()).accessToken,
    ticket: async () => (await api.ensureTicket('jsapi')).ticket,
    call: () => api.sendText(openid, content),
  };
});
