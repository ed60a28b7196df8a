/*! wxsign page helper, Apache-2.0. Reference: wxsign.d.ts beside this file. */
(() => {
  // A server that renders pages may import this file; nothing happens there.
  if (typeof window === 'undefined') return;
  const give = api => { if (typeof module === 'object') module.exports = api.default = api; }; // for require of the npm package
  if (window.wxsign) return give(window.wxsign); // the tag came first
  // First of all: a router may rewrite the address a moment later, and phones
  // check the signature against the address this document was opened with.
  const landing = location.href.split('#')[0];

  // code: [cause, mend, 原因, 办法]. A code is also what to look for in errMsg,
  // with spaces for underscores; config_fail comes last because WeChat DevTools
  // writes "config:fail,Error: invalid …".
  const TEXT = {
    not_wechat: ['Not open inside WeChat.', 'Open the page in WeChat.', '页面不在微信内。', '请在微信中打开。'],
    script_unreachable: ['jweixin did not load.', 'Check the network and CSP script-src: res.wx.qq.com, res2.wx.qq.com.',
      'jweixin 加载失败。', '检查网络和 CSP script-src：res.wx.qq.com、res2.wx.qq.com。'],
    config_unreachable: ['No usable answer from the signing server.', 'Check the network, endpoint, CSP connect-src, and the page’s origin in the account’s domains.',
      '签名服务无有效应答。', '检查网络、endpoint、CSP connect-src，页面来源须在账号 domains 中。'],
    wechat_silent: ['WeChat did not answer.', 'Reload in WeChat; without WeixinJSBridge nobody answers.',
      '微信未应答。', '在微信中重新加载；没有 WeixinJSBridge 就不会应答。'],
    invalid_signature: ['WeChat computed another signature.', 'Compare the signed url with realAuthUrl; appId and ticket must be of one account.',
      '微信算出的签名不同。', '比较签名 url 与 realAuthUrl；appId 与 ticket 须属同一账号。'],
    invalid_url_domain: ['Not a JS interface safe domain.', 'Add the domain in the WeChat console.', '不是 JS 接口安全域名。', '在公众平台添加该域名。'],
    require_subscribe: ['A sandbox account answers followers only.', 'Follow it.', '测试号只对关注者有效。', '先关注测试号。'],
    offline_verifying: ['Called without a successful config, or not in the API list.', 'Await wxsign.config; name the API in apis.',
      'config 未成功，或接口不在列表。', '等 wxsign.config 成功；把接口写进 apis。'],
    permission_denied: ['The account may not use this API, or it is not in the API list.', 'See its rights in the WeChat console.',
      '账号无此接口权限，或接口不在列表。', '在公众平台查看接口权限。'],
    function_not_exist: ['WeChat is too old.', 'Update it.', '微信版本过低。', '升级微信。'],
    config_fail: ['Incomplete config.', 'Pass the server’s answer on unchanged.', 'config 参数不全。', '原样传入服务端的应答。'],
    wechat_refused: ['WeChat refused.', 'See errMsg.', '微信拒绝。', '见 errMsg。'],
    server_refused: ['', 'Give requestId to the signing server’s administrator.', '', '把 requestId 告诉签名服务管理员。'],
  };

  // A tag that loads this very file may carry options; a bundle's tag is not ours.
  const tag = document.currentScript, own = tag && /\/wxsign\.js/.test(tag.src), defaults = {};
  const complete = o => Object.assign({}, defaults, o);

  const zh = o => /^zh/i.test(o.lang || navigator.language);

  const failure = (code, step, o, more) => {
    const row = TEXT[code].slice(zh(o) ? 2 : 0);
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
    const script = document.createElement('script');
    script.src = src;
    script.onload = () => window.jWeixin ? resolve(src) : reject(src);
    script.onerror = () => reject(src);
    document.head.appendChild(script);
  });

  const load = async (o, step) => {
    const loaded = from => { step('script', 'ok', {from: api.last.script = from}); };
    if (window.jWeixin) return loaded('page');
    const file = `.wx.qq.com/open/js/jweixin-${client() === 'wecom' ? '1.2.0' : '1.6.0'}.js`;
    for (const src of [`https://res${file}`, `https://res2${file}`, o.fallback]) {
      if (!src) break;
      step('script', 'run', {from: src});
      try {
        return loaded(await loadOne(src, o));
      } catch (tried) {
        step('script', 'retry', {from: src});
      }
    }
    throw failure('script_unreachable', 'script', o);
  };

  // signature asks the server; a 503 that will be over soon is waited for once.
  const signature = (url, options, again) => {
    const o = complete(options), query = {url: url.split('#')[0], exact: '1', app_id: o.appId, profile: o.profile, kind: o.kind};
    const href = `${o.endpoint || api.endpoint}?` +
      Object.keys(query).filter(key => query[key]).map(key => `${key}=${encodeURIComponent(query[key])}`).join('&');
    const lost = () => failure('config_unreachable', 'sign', o);
    return timed(o, lost, (resolve, reject) => {
      // Accept-Language needs no preflight; the server words its refusals by it.
      fetch(href, {credentials: 'omit', cache: 'no-store', headers: {'Accept-Language': zh(o) ? 'zh' : 'en'}}).then(res => res.json().then(body => {
        if (res.ok && body.signature) return resolve(body);
        if (!body.code) return reject(lost());
        const wait = res.headers.get('Retry-After');
        if (res.status === 503 && wait < 5 && !again) return setTimeout(() => resolve(signature(url, o, true)), wait * 1000);
        const more = {code: body.code, cause: body.message, status: res.status, requestId: body.request_id};
        // The first sentence says what happened, the rest what to do.
        const said = /^(.+?(?:\.(?= )|。)) ?(.+)/.exec(body.message);
        if (said) [, more.cause, more.mend] = said;
        reject(failure('server_refused', 'sign', o, more));
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

  // jweixin before 1.4.0, which WeCom needs, has only the deprecated calls.
  const shares = () => ['AppMessage', 'Timeline'].map(to => window.jWeixin.updateTimelineShareData ? `update${to}ShareData` : `onMenuShare${to}`);

  const setShare = async (data, o) => {
    const card = Object.assign({}, data);
    if (!window.jWeixin) throw failure('offline_verifying', 'share', o);
    for (const [key, value] of [['title', document.title], ['desc', ''], ['link', location.href], ['imgUrl', '']]) card[key] = card[key] || value;
    // WeChat drops a link that is not on the account's domains, and says nothing.
    if (!/^https?:/i.test(card.link) || card.link.split('/')[2] !== location.host) await signature(card.link, o).catch(err => { throw Object.assign(err, {step: 'share'}); });
    await Promise.all(shares().map(name => timed(o, () => failure('wechat_silent', 'share', o), (success, reject) => {
      window.jWeixin[name](Object.assign({}, card, {success, fail: res => reject(refusal(res, 'share', o))}));
      if (/^on/.test(name)) success(); // these answer only when somebody shares
    })));
  };

  const attempt = async (url, ready, o, step) => {
    step('sign', 'run', {url});
    const cfg = await signature(url, o);
    step('sign', 'ok', {url, config: cfg});
    await ready;
    const mine = Object.assign({}, cfg, {jsApiList: [...new Set((o.apis || cfg.jsApiList).concat(o.share ? shares() : []))]});
    mine.beta = true; // jweixin 1.2.0, WeCom's and that of many pages, has no wx.invoke without
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

  // report tells the server of a failure, if the page wants that.
  const report = (o, err) => navigator.sendBeacon && navigator.sendBeacon((o.endpoint || api.endpoint).replace(/config$/, 'report'), JSON.stringify({
    app_id: o.appId, profile: o.profile, page_url: location.href, client: client(), verdict: 'failed',
    detail: JSON.stringify({step: err.step, code: err.code, errMsg: err.errMsg, realAuthUrl: err.realAuthUrl, urls: api.last.urls, script: api.last.script}).slice(0, 680),
  }));

  const run = async o => {
    const kind = client(), list = urls();
    // A fault of the page's own callback is the page's: it goes to the console.
    const step = async (name, state, more) => { o.onStep && o.onStep(Object.assign({name, state}, more)); };
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
        await setShare(o.share, o);
        step('share', 'ok');
      }
      return window.jWeixin;
    } catch (err) {
      api.last.error = err;
      step(err.step, 'failed', {error: err});
      if (o.report && kind !== 'browser') report(o, err);
      throw err;
    }
  };

  // One config at a time: jweixin mixes up the answers of two.
  let queue = Promise.resolve(), kept;
  const config = options => {
    const o = kept = complete(options);
    return queue = queue.catch(() => {}).then(() => run(o));
  };
  const reconfigure = options => config(Object.assign({}, kept, options));
  const share = (card, options) => queue.then(() => setShare(card, complete(options)));

  const api = window.wxsign = {
    config, reconfigure, signature, share, urls, client, landing, last: null,
    endpoint: own ? new URL('config', tag.src).href : '/jssdk/config',
  };

  give(api);

  // The form without code: options as data- attributes of the tag.
  let wanted = false;
  for (const key of own ? Object.keys(tag.dataset) : []) {
    const value = tag.dataset[key], field = key.replace(/^share/, '');
    if (/^(appId|profile|apis|openTags|share)/.test(key)) wanted = true;
    if (field !== key) (defaults.share = defaults.share || {})[field.charAt(0).toLowerCase() + field.slice(1)] = value;
    else defaults[key] = /^(apis|openTags)$/.test(key) ? value.match(/[^\s,]+/g) || [] : value !== 'false' && (value || true);
  }
  if (wanted) (api.ready = config()).catch(err => err.code === 'not_wechat' || console.error(err.message));
})();
