// WeChat's web view as the tests pretend it: written down apart from the demo
// page's own bridge, so that a mistake in one shows. PLATFORM is set before;
// e2eVerify is a Go function that asks the simulator.
(() => {
  const landing = location.href.split('#')[0];
  let perms = null;
  window.e2eCalls = [];
  const bridge = {
    invoke(name, args, cb) {
      window.e2eCalls.push({name, args: JSON.parse(JSON.stringify(args))});
      const done = r => setTimeout(() => cb && cb(r), 0);
      if (name === 'preVerifyJSAPI') {
        const current = location.href.split('#')[0];
        const urls = PLATFORM === 'ios' ? [landing] : PLATFORM === 'android' ? [landing, current] : [current];
        if (!args.verifyAppId || !args.verifySignature || !args.verifyNonceStr || args.verifyTimestamp === 'undefined' || !args.verifyJsApiList) {
          return done({err_msg: 'pre_verify_jsapi:fail'});
        }
        return window.e2eVerify({appid: args.verifyAppId, noncestr: args.verifyNonceStr, timestamp: args.verifyTimestamp, signature: args.verifySignature, urls})
          .then(v => {
            if (!v.ok) {
              return done({err_msg: 'pre_verify_jsapi:fail_' + v.msg, realAuthUrl: PLATFORM === 'android' ? '[' + urls.join(', ') + ']' : urls});
            }
            perms = new Set(args.verifyJsApiList);
            done({err_msg: 'pre_verify_jsapi:ok'});
          });
      }
      if (name === 'agentConfig') { // WeCom's own, for the current URL
        if (PLATFORM !== 'wecom') return done({err_msg: 'agentConfig:function not exist'});
        const asked = {corpid: args.corpid, agentid: args.agentid, noncestr: args.nonceStr, timestamp: args.timestamp,
          signature: args.signature, urls: [location.href.split('#')[0]]};
        return window.e2eVerify(asked).then(v => {
          if (v.ok) perms = new Set([...(perms || []), ...args.jsApiList]);
          done({errMsg: v.ok ? 'agentConfig:ok' : 'agentConfig:fail'});
        });
      }
      if (name === 'getNetworkType') return done({err_msg: 'network_type:wifi'});
      if (name === 'checkJsApi') {
        const result = {};
        args.jsApiList.forEach(n => { result[n] = true; });
        return done({err_msg: 'checkJsApi:ok', checkResult: PLATFORM === 'android' ? JSON.stringify(result) : result});
      }
      if (!perms || !perms.has(name)) return done({err_msg: name + ':the permission value is offline verifying'});
      done({err_msg: name + ':ok'});
    },
    on(name) { window.e2eCalls.push({name: 'on ' + name, args: {}}); },
    call() {}, log() {},
  };
  if (PLATFORM === 'ios') window.__wxjs_is_wkwebview = true;
  addEventListener('DOMContentLoaded', () => setTimeout(() => {
    window.WeixinJSBridge = bridge;
    document.dispatchEvent(new Event('WeixinJSBridgeReady'));
  }, 10));
})();
