// A stand-in for jweixin, our own and not Tencent's. The demo page loads it only
// with the simulator, and only when neither res.wx.qq.com nor res2.wx.qq.com can be
// reached; the page says so. It speaks jweixin-1.6.0's protocol to WeixinJSBridge
// for the calls that the page makes, with the habits that a page must cope with.
(() => {
  'use strict';
  if (window.jWeixin) return;

  const NATIVE = {config: 'preVerifyJSAPI', onMenuShareTimeline: 'menu:share:timeline', onMenuShareAppMessage: 'menu:share:appmessage',
    onMenuShareQQ: 'menu:share:qq', onMenuShareWeibo: 'menu:share:weiboApp', onMenuShareQZone: 'menu:share:QZone',
    previewImage: 'imagePreview', getLocation: 'geoLocation', openProductSpecificView: 'openProductViewWithPid',
    addCard: 'batchAddCard', openCard: 'batchViewCard', chooseWXPay: 'getBrandWCPayRequest',
    openEnterpriseRedPacket: 'getRecevieBizHongBaoRequest', startSearchBeacons: 'startMonitoringBeacons',
    stopSearchBeacons: 'stopMonitoringBeacons', onSearchBeacons: 'onBeaconsInRange',
    consumeAndShareCard: 'consumedShareCard', openAddress: 'editAddress'};
  const PUBLIC = {};
  for (const name of Object.keys(NATIVE)) PUBLIC[NATIVE[name]] = name;

  const ua = navigator.userAgent.toLowerCase();
  const inWeChat = ua.includes('micromessenger'), android = ua.includes('android');
  const version = (/micromessenger\/(\d+\.\d+(?:\.\d+)?)/.exec(ua) || ['', ''])[1];

  let config = {}, state = 0, reply = {}, waiting = [], onError = null;

  // Public names become native ones in the caller's own list.
  const nativeNames = list => {
    if (list) list.forEach((name, i) => { list[i] = NATIVE[name] || name; });
    return list;
  };

  // errMsg is what pages read; err_msg is what the bridge says.
  const converted = (native, said) => {
    const name = PUBLIC[native] || native;
    let result = 'ok';
    if (said) {
      result = said.slice(said.indexOf(':') + 1);
      if (result === 'confirm') result = 'ok';
      if (result === 'failed') result = 'fail';
      if (result.includes('failed_')) result = result.slice(7);
      if (result.includes('fail_')) result = result.slice(5);
      result = result.replace(/_/g, ' ').toLowerCase();
      if (result === 'access denied' || result === 'no permission to execute') result = 'permission denied';
      if (name === 'config' && result === 'function not exist') result = 'ok';
      if (result === '') result = 'fail';
    }
    return `${name}:${result}`;
  };

  // Every call carries the signed fields, as WeChat expects.
  const signed = given => Object.assign(given, {appId: config.appId, verifyAppId: config.appId, verifySignType: 'sha1',
    verifyTimestamp: `${config.timestamp}`, verifyNonceStr: config.nonceStr, verifySignature: config.signature});

  const settle = (native, res, call) => {
    for (const key of ['err_code', 'err_desc', 'err_detail']) delete res[key];
    if (!res.errMsg) {
      res.errMsg = converted(native, res.err_msg);
      delete res.err_msg;
    }
    if (call.adapt) call.adapt(res);
    if (config.debug) alert(JSON.stringify(res));
    const result = res.errMsg.slice(res.errMsg.indexOf(':') + 1);
    const heard = result === 'ok' ? call.success : result === 'cancel' ? call.cancel : call.fail;
    if (heard) heard(res);
    if (call.complete) call.complete(res);
  };

  // Without a bridge a call is dropped; only config waits for it.
  const invoke = (native, given, call) => {
    if (window.WeixinJSBridge) window.WeixinJSBridge.invoke(native, signed(given), res => settle(native, res, call));
  };

  const whenBridge = then => {
    if (!inWeChat) return;
    if (window.WeixinJSBridge) then();
    else document.addEventListener('WeixinJSBridgeReady', then);
  };

  const finish = () => {
    const queue = waiting;
    waiting = [];
    queue.forEach(fn => fn());
  };

  window.wx = window.jWeixin = {
    standin: true,

    config(given) {
      config = given;
      whenBridge(() => {
        if (given.check === false) {
          state = 1;
          return finish();
        }
        invoke('preVerifyJSAPI', {verifyJsApiList: nativeNames(given.jsApiList), verifyOpenTagList: nativeNames(given.openTagList)}, {
          adapt(res) { state = 1; reply = res; },
          fail(res) { if (onError) onError(res); else state = -1; },
          complete: finish, // after a failure too
        });
      });
    },

    ready(fn) {
      if (state !== 0) return fn(); // also while another config is in flight
      waiting.push(fn);
      if (!inWeChat && config.debug) fn();
    },

    error(fn) {
      if (version < '6.0.2') return; // compared as strings, so deaf to 10.0 as well
      if (state === -1) fn(reply);
      else onError = fn;
    },

    checkJsApi(call) {
      invoke('checkJsApi', {jsApiList: nativeNames(call.jsApiList)}, Object.assign({}, call, {
        adapt(res) {
          const native = android && res.checkResult ? JSON.parse(res.checkResult) : res.checkResult || {};
          res.checkResult = {};
          for (const name of Object.keys(native)) res.checkResult[PUBLIC[name] || name] = native[name];
        },
      }));
    },

    updateAppMessageShareData(call) {
      invoke('updateAppMessageShareData', {title: call.title, desc: call.desc, link: call.link, imgUrl: call.imgUrl}, call);
    },

    updateTimelineShareData(call) {
      invoke('updateTimelineShareData', {title: call.title, link: call.link, imgUrl: call.imgUrl}, call);
    },

    invoke(native, given, done) {
      if (window.WeixinJSBridge) window.WeixinJSBridge.invoke(native, signed(given || {}), done);
    },

    on(native, heard) {
      if (window.WeixinJSBridge) window.WeixinJSBridge.on(native, heard);
    },
  };
})();
