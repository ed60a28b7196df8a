// Signs with wechat-jssdk in Express.
const os = require('node:os');
const path = require('node:path');
const express = require('express');
const {lists, options} = require('./peer');
const {Wechat} = require('wechat-jssdk');

const o = options();
const wechat = new Wechat({
  appId: o.appId, appSecret: o.secret, wechatToken: 'unused', wechatRedirectUrl: 'http://127.0.0.1',
  accessTokenUrl: `${o.wechat}/cgi-bin/token`, ticketUrl: `${o.wechat}/cgi-bin/ticket/getticket`,
  storeOptions: {fileStorePath: path.join(os.tmpdir(), `wechat-jssdk-${process.pid}.json`)},
});

const app = express();
app.disable('x-powered-by');
app.get('/jssdk/config', async (request, response) => {
  try {
    response.json({...await wechat.jssdk.getSignature(request.query.url), ...lists});
  } catch (error) {
    response.status(500).json({error: String(error)});
  }
});
app.listen(o.port, o.host);
