// Signs with co-wechat-api on Node's bare http server.
const http = require('node:http');
const {lists, options} = require('./peer');
const API = require('co-wechat-api');

const o = options();
const api = new API(o.appId, o.secret);
api.prefix = `${o.wechat}/cgi-bin/`;

http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost').searchParams.get('url');
  try {
    const signed = await api.getJsConfig({...lists, url});
    response.setHeader('Content-Type', 'application/json; charset=utf-8');
    response.end(JSON.stringify({...signed, url}));
  } catch (error) {
    response.statusCode = 500;
    response.end(JSON.stringify({error: String(error)}));
  }
}).listen(o.port, o.host);
