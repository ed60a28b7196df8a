/*! wxsign page helper, Apache-2.0. Reference: wxsign.d.ts beside this file. */
(() => {
  // First of all: a router may rewrite the address a moment later, and phones
  // check the signature against the address this document was opened with.
  const landing = location.href.split('#')[0];
  if (window.wxsign) return;

  // code: [cause, mend, 原因, 办法]. A code is also what to look for in errMsg,
  // with spaces for underscores; config_fail comes last because WeChat DevTools
  // writes "config:fail,Error: invalid …".
  const TEXT = {
    not_wechat: ['Not open inside WeChat.', 'Open the page in WeChat.', '页面不在微信内。', '请在微信中打开。'],
    script_unreachable: ['jweixin did not load.', 'Check the network and script-src: res.wx.qq.com, res2.wx.qq.com.',
      'jweixin 加载失败。', '检查网络和 CSP script-src：res.wx.qq.com、res2.wx.qq.com。'],
    config_unreachable: ['No usable answer from the signing server.', 'Check the network, endpoint, connect-src and that the page’s origin is on the account’s domains.',
      '签名服务无有效应答。', '检查网络、endpoint、connect-src，以及页面来源是否在账号 domains 中。'],
    wechat_silent: ['WeChat did not answer in time.', 'Reload; a page without WeixinJSBridge never gets an answer.',
      '微信未及时应答。', '重新加载；没有 WeixinJSBridge 的环境不会应答。'],
    invalid_signature: ['WeChat computed another signature.', 'Compare the signed url with realAuthUrl; appId and ticket must be of one account.',
      '微信算出的签名不同。', '比较签名 url 与 realAuthUrl；appId 与 ticket 须属同一账号。'],
    invalid_url_domain: ['The domain is not a JS interface safe domain.', 'Add it in the WeChat console: no IP, port 80 or 443.',
      '域名不是 JS 接口安全域名。', '在公众平台添加；不能是 IP，端口限 80、443。'],
    require_subscribe: ['A sandbox account answers followers only.', 'Follow it.', '测试号只对关注者有效。', '先关注该测试号。'],
    offline_verifying: ['Called without a successful config, or not in the API list.', 'Await wxsign.config; name the API in apis.',
      'config 未成功，或接口不在列表。', '等 wxsign.config 成功；把接口写进 apis。'],
    permission_denied: ['The account may not use this API, or it is not in the API list.', 'See the account’s rights in the WeChat console.',
      '账号无此接口权限，或接口不在列表。', '在公众平台查看接口权限。'],
    function_not_exist: ['This WeChat is too old.', 'Update it.', '微信版本过低。', '升级微信。'],
    config_fail: ['Incomplete config.', 'Check appId, timestamp, nonceStr, signature, jsApiList.',
      'config 参数不全。', '检查 appId、timestamp、nonceStr、signature、jsApiList。'],
    wechat_refused: ['WeChat refused.', 'See errMsg.', '微信拒绝。', '见 errMsg。'],
    server_refused: ['', 'Give code and requestId to the signing server’s administrator.', '', '把 code 与 requestId 告诉签名服务管理员。'],
  };

  const failure = (code, step, o, more) => {
    const zh = /^zh/i.test(o.lang || navigator.language), row = TEXT[code].slice(zh ? 2 : 0);
    const err = Object.assign(new Error(), {name: 'WxsignError', code, step, cause: row[0], mend: row[1]}, more);
    err.message = `${err.errMsg || err.code}. ${err.cause} ${err.mend}`;
    return err;
  };

  // refusal turns WeChat's {errMsg, realAuthUrl} into a failure.
  const refusal = (res, step, o) => {
    const said = ` ${res.errMsg}`.toLowerCase().replace(/[:_]/g, ' ');
    const code = Object.keys(TEXT).find(key => said.includes(key.replace(/_/g, ' ')));
    return failure(code || 'wechat_refused', step, o, res);
  };

  // timed makes a promise of start(resolve, reject) that does not wait for ever.
  const timed = (o, late, start) => new Promise((resolve, reject) => {
    setTimeout(() => reject(late()), o.timeout || 10000);
    start(resolve, reject);
  });

  const client = () => {
    const ua = navigator.userAgent, has = word => word.test(`${ua} ${navigator.platform}`);
    if (/wxwork/i.test(ua)) return 'wecom'; // says MicroMessenger too, so it is asked first
    if (!/micromessenger/i.test(ua)) return 'browser';
    if (/wxdebugger|wechatdevtools/i.test(ua)) return 'devtools';
    if (/android/i.test(ua)) return 'android';
    if (has(/iphone|ipad|ipod/i) || has(/mac/i) && navigator.maxTouchPoints > 2) return 'ios'; // iPads say they are Macs
    return has(/mac|win/i) ? 'desktop' : 'other';
  };

  // Phones know the landing URL, the rest the current one; Android takes both.
  const urls = () => {
    const here = location.href.split('#')[0], kind = client();
    if (kind === 'ios') return [landing];
    return kind === 'android' || kind === 'other' ? [...new Set([landing, here])] : [here];
  };

  const loadOne = (src, o) => timed(o, () => src, (resolve, reject) => {
    const tag = document.createElement('script');
    tag.src = src;
    tag.onload = () => window.jWeixin ? resolve(src) : reject(src);
    tag.onerror = () => reject(src);
    document.head.appendChild(tag);
  });

  const load = async (o, step) => {
    if (window.jWeixin) return step('script', 'ok', {from: api.last.script = 'page'});
    const file = `.wx.qq.com/open/js/jweixin-${client() === 'wecom' ? '1.2.0' : '1.6.0'}.js`;
    for (const src of [`https://res${file}`, `https://res2${file}`, o.fallback]) {
      if (!src) break;
      step('script', 'run', {from: src});
      try {
        return step('script', 'ok', {from: api.last.script = await loadOne(src, o)});
      } catch (tried) {
        step('script', 'retry', {from: src});
      }
    }
    throw failure('script_unreachable', 'script', o);
  };

  const signature = (url, o) => {
    o = o || {};
    const query = {url: url.split('#')[0], exact: '1', app_id: o.appId, profile: o.profile};
    const href = `${o.endpoint || api.endpoint}?` +
      Object.keys(query).filter(key => query[key]).map(key => `${key}=${encodeURIComponent(query[key])}`).join('&');
    const lost = () => failure('config_unreachable', 'sign', o);
    return timed(o, lost, (resolve, reject) => {
      fetch(href, {credentials: 'omit', cache: 'no-store'}).then(res => res.json().then(body => {
        if (res.ok && body.signature) return resolve(body);
        if (!body.code) return reject(lost());
        reject(failure('server_refused', 'sign', o, {code: body.code, cause: body.message, status: res.status, requestId: body.request_id}));
      })).catch(() => reject(lost()));
    });
  };

  // verify hands cfg to wx.config and settles on what WeChat really said:
  // - jweixin calls ready after a failure too; error comes just before it;
  // - a wx that was configured before calls ready at once, whatever happens;
  // - wx.error is deaf where the version sorts below "6.0.2" as a string, "10.0.0" too.
  // In the last two cases WeChat is asked once more, directly; wx.config has by
  // then put its native names into cfg.jsApiList.
  const verify = (wx, cfg, o) => timed(o, () => failure('wechat_silent', 'verify', o), (resolve, reject) => {
    let sent = false, again = false, bad = null;
    const version = (/micromessenger\/(\d+\.\d+(\.\d+)?)/i.exec(navigator.userAgent) || [])[1] || '';
    const ask = () => wx.invoke('preVerifyJSAPI', {verifyJsApiList: cfg.jsApiList, verifyOpenTagList: cfg.openTagList}, res => {
      const said = (res.errMsg || res.err_msg || ':ok').replace(/^[^:]*:/, '').toLowerCase().replace(/^fail(ed)?_/, '').replace(/_/g, ' ');
      if (/^(ok|confirm|function not exist)$/.test(said)) resolve();
      else reject(refusal({errMsg: `config:${said || 'fail'}`, realAuthUrl: res.realAuthUrl}, 'verify', o));
    });
    wx.error(res => { bad = res; });
    wx.ready(() => {
      if (!sent) again = true;
      else if (version < '6.0.2') ask();
      else if (bad) reject(refusal(bad, 'verify', o));
      else resolve();
    });
    sent = true;
    wx.config(cfg);
    if (again) ask();
  });

  const SHARES = ['updateAppMessageShareData', 'updateTimelineShareData'];

  const share = (data, o) => {
    o = o || {};
    const given = Object.assign({title: document.title, desc: '', link: location.href, imgUrl: ''}, data);
    return Promise.all(SHARES.map(name => timed(o, () => failure('wechat_silent', 'share', o), (success, reject) =>
      window.jWeixin[name](Object.assign({}, given, {success, fail: res => reject(refusal(res, 'share', o))})))));
  };

  const attempt = async (url, ready, o, step) => {
    step('sign', 'run', {url});
    const cfg = await signature(url, o);
    step('sign', 'ok', {url, config: cfg});
    await ready;
    const mine = Object.assign({}, cfg, {jsApiList: [...new Set((o.apis || cfg.jsApiList).concat(o.share ? SHARES : []))]});
    if (o.openTags) mine.openTagList = o.openTags;
    if (o.debug !== undefined) mine.debug = o.debug;
    const tried = {url, config: cfg, errMsg: 'config:ok'};
    api.last.attempts.push(tried);
    step('verify', 'run', {url});
    await verify(window.jWeixin, mine, o).catch(err => {
      Object.assign(tried, {errMsg: err.errMsg || '', realAuthUrl: err.realAuthUrl});
      throw err;
    });
    step('verify', 'ok', tried);
  };

  const run = async o => {
    const kind = client(), list = urls();
    const step = (name, state, more) => o.onStep && o.onStep(Object.assign({name, state}, more));
    api.last = {client: kind, landing, urls: list, attempts: []};
    try {
      if (kind === 'browser') throw failure('not_wechat', 'client', o);
      const ready = load(o, step);
      ready.catch(() => {}); // attempt waits for it; the signature may fail first
      await attempt(list[0], ready, o, step).catch(err => {
        if (err.code !== 'invalid_signature' || !list[1]) throw err;
        step('verify', 'retry', {url: list[0], errMsg: err.errMsg});
        return attempt(list[1], ready, o, step);
      });
      if (o.share) {
        step('share', 'run');
        await share(o.share, o);
        step('share', 'ok');
      }
      return window.jWeixin;
    } catch (err) {
      api.last.error = err;
      step(err.step, 'failed', {error: err});
      throw err;
    }
  };

  // One config at a time: jweixin mixes up the answers of two.
  let queue = Promise.resolve();
  const config = options => queue = queue.catch(() => {}).then(() => run(options || {}));

  const self = document.currentScript;
  const api = window.wxsign = {
    config, signature, share, urls, client, landing, last: null,
    endpoint: self && self.src ? new URL('config', self.src).href : '/jssdk/config',
  };
})();
