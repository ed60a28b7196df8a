// A business server with wechat-jssdk, which signs pages and cards. Its only call
// with a token is that of its cards.
const path = require('node:path');
const {Card, JSSDK} = require('wechat-jssdk');
const {main} = require('./client');

main(({base, key, appId}) => {
  const options = {
    appId, appSecret: key, wechatToken: 'unused', wechatRedirectUrl: 'http://127.0.0.1',
    accessTokenUrl: `${base}/cgi-bin/token`, ticketUrl: `${base}/cgi-bin/ticket/getticket`,
    decodeCardCodeUrl: `${base}/card/code/decrypt`,
    storeOptions: {fileStorePath: path.join(process.cwd(), `${appId}.json`), interval: 24 * 3600 * 1000},
  };
  const jssdk = new JSSDK(options);
  const card = new Card({...options, store: jssdk.store});
  return {
    token: async () => (await jssdk.prepareGlobalToken()).accessToken,
    ticket: async () => (await jssdk.prepareGlobalToken()).jsapi_ticket,
    call: () => card.decryptCardCode('ENCRYPTED'),
  };
});
