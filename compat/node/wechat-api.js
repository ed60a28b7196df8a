// A business server with wechat-api.
const {promisify} = require('node:util');
const API = require('wechat-api');
const {main, openid, content} = require('./client');

main(({base, key, appId}) => {
  const api = new API(appId, key);
  api.endpoint = base; // setEndpoint('wxsign.example.com') where that speaks HTTPS
  const asked = (method) => promisify(api[method].bind(api));
  return {
    token: async () => (await asked('getLatestToken')()).accessToken,
    ticket: async () => (await asked('getLatestTicket')()).ticket,
    call: () => asked('sendText')(openid, content),
  };
});
