// Simulated WeChat: makes this ordinary browser behave like WeChat's web view, so
// that the real jweixin runs unchanged in it. Loaded before every other script,
// and only where the server runs with its simulator and ?client=… asks for it.
//
// Which url WeChat verifies and how it answers follows what was observed on
// phones: iOS knows the landing URL, Android accepts the landing and the current
// one, desktops and WeCom take the current one. The signature is checked by the server's
// simulator with the ticket that it issued itself.
(() => {
  'use strict';
  const CLIENTS = {
    android: {
      platform: 'Linux armv8l', touch: 5,
      ua: 'Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20230504 MMWEBID/1234 MicroMessenger/8.0.40.2420(0x28002837) WeChat/arm64 Weixin NetType/WIFI Language/zh_CN ABI/arm64',
      urls: (landing, current) => [landing, current],
      real: urls => `[${urls.join(', ')}]`,
      checked: result => JSON.stringify(result),
    },
    ios: {
      platform: 'iPhone', touch: 5,
      ua: 'Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN',
      urls: landing => [landing],
      real: urls => urls[0],
      checked: result => result,
    },
    pc: {
      platform: 'Win32', touch: 0,
      ua: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541022) XWEB/16467 Flue',
      urls: (landing, current) => [current],
      real: urls => urls[0],
      checked: result => result,
    },
  };
  CLIENTS.wecom = Object.assign({}, CLIENTS.pc, {
    platform: 'iPhone', touch: 5,
    ua: 'Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/7.0.1 wxwork/4.1.6 ColorScheme/Light',
  });
  // What a page may call without a verified signature.
  const FREE = ['checkJsApi', 'getNetworkType'];
  // A share menu that was allowed allows the call that it makes.
  const MENUS = {shareTimeline: 'menu:share:timeline', sendAppMessage: 'menu:share:appmessage', shareQQ: 'menu:share:qq',
    shareWeiboApp: 'menu:share:weiboApp', shareQZone: 'menu:share:QZone'};

  const asked = JSON.parse(document.getElementById('page').textContent).client;
  const client = CLIENTS[asked];
  if (!client) return;
  const landing = location.href.split('#')[0];

  const pretend = (key, value) => Object.defineProperty(navigator, key, {get: () => value, configurable: true});
  pretend('userAgent', client.ua);
  pretend('platform', client.platform);
  pretend('maxTouchPoints', client.touch);
  if (asked === 'ios') window.__wxjs_is_wkwebview = true;
  window.wxsignSimulated = asked;

  let allowed = null; // names of the last accepted config; a refused one changes nothing
  const listeners = {};

  const verify = async given => {
    if (!given.verifyAppId || !given.verifySignature || !given.verifyNonceStr || given.verifyTimestamp === 'undefined' || !given.verifyJsApiList) {
      return {err_msg: 'pre_verify_jsapi:fail'};
    }
    const urls = client.urls(landing, location.href.split('#')[0]);
    const answer = await fetch('/demo/sim/verify', {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({appid: given.verifyAppId, noncestr: given.verifyNonceStr, timestamp: given.verifyTimestamp, signature: given.verifySignature, urls}),
    }).then(res => res.json());
    if (!answer.ok) return {err_msg: `pre_verify_jsapi:fail_${answer.msg}`, realAuthUrl: client.real(urls), why: answer.why};
    allowed = new Set(given.verifyJsApiList);
    return {err_msg: 'pre_verify_jsapi:ok'};
  };

  // Two ways in which WeCom refuses, as pages have seen them.
  const MORE = 'https://open.work.weixin.qq.com/devtool/query?e=';
  const refusedAgent = answer => answer.errcode === 80001
    ? {errMsg: `agentConfig:not match any reliable domain. more info at ${MORE}80001`, why: answer.why}
    : {errMsg: 'agentConfig:fail', err_Info: 'fail', hint: `Hint: '0000000000:simulated:${answer.errcode || 40093}'. More info at ${MORE}${answer.errcode || 40093}`, why: answer.why};

  // wx.agentConfig is signed with the agent's own ticket, for the current URL.
  const verifyAgent = async given => {
    if (asked !== 'wecom') return {err_msg: 'agentConfig:function not exist'};
    const answer = await fetch('/demo/sim/verify', {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({corpid: given.corpid, agentid: given.agentid, noncestr: given.nonceStr, timestamp: given.timestamp, signature: given.signature,
        urls: [location.href.split('#')[0]]}),
    }).then(res => res.json());
    if (!answer.ok) return refusedAgent(answer);
    allowed = new Set([...(allowed || []), ...given.jsApiList]);
    return {err_msg: 'agentConfig:ok'};
  };

  // What a tapped API answers here, besides ok.
  const GIVES = {
    // iPhones wrap what was scanned, and jweixin unwraps it.
    scanQRCode: {resultStr: /iPhone/.test(client.ua) ? JSON.stringify({scan_code: {scan_result: 'simulated'}}) : 'simulated'}, geoLocation: {latitude: 39.9087, longitude: 116.3975, accuracy: 65},
    chooseImage: {localIds: ['wxLocalResource://simulated']}, uploadImage: {serverId: 'simulated-media-id'},
  };

  const supported = names => names.reduce((all, name) => Object.assign(all, {[name]: true}), {});

  const answer = async (name, given) => {
    if (name === 'preVerifyJSAPI') return verify(given);
    if (name === 'agentConfig') return verifyAgent(given);
    if (name === 'getNetworkType') return {err_msg: 'network_type:wifi'};
    if (name === 'checkJsApi') return {err_msg: 'checkJsApi:ok', checkResult: client.checked(supported(given.jsApiList))};
    if (!allowed || !allowed.has(MENUS[name] || name)) return {err_msg: `${name}:the permission value is offline verifying`};
    return Object.assign({err_msg: `${name}:ok`}, GIVES[name]);
  };

  const bridge = {
    invoke(name, given, done) {
      answer(name, given)
        .catch(() => ({err_msg: name === 'preVerifyJSAPI' ? 'pre_verify_jsapi:fail_system error' : 'system:fail'}))
        .then(res => setTimeout(() => done && done(res), 0));
    },
    on(name, heard) { (listeners[name] = listeners[name] || []).push(heard); },
    call() {},
    log() {},
  };

  // WeChat injects its bridge at a time of its own: after the page's scripts here.
  addEventListener('DOMContentLoaded', () => setTimeout(() => {
    window.WeixinJSBridge = bridge;
    document.dispatchEvent(new Event('WeixinJSBridgeReady'));
  }, 10));
})();
