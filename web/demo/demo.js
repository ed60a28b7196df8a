// The demo share page: runs wxsign.config and shows what every step did.
(() => {
  'use strict';
  const page = JSON.parse(document.getElementById('page').textContent);
  const text = page.text;
  const byId = id => document.getElementById(id);
  const fill = (words, values) => words.replace(/\{(\w+)\}/g, (all, key) => values[key]);
  const here = () => location.href.split('#')[0];
  const hostOf = src => src === page.fallback ? text.steps.scriptStandin : new URL(src, location.href).host;
  const options = () => ({appId: page.appId, profile: page.profile, lang: page.lang});

  // Only accounts of WeCom have the step of the agent.
  const stepNames = names => names.filter(name => page.agent || name !== 'agent');

  // ---- painting

  // replaceChildren is younger than many web views.
  const put = (box, nodes) => {
    box.textContent = '';
    for (const node of nodes) box.appendChild(node);
  };

  const setMark = (svg, state) => svg.firstElementChild.setAttribute('href', `#mark-${state}`);

  const setStep = (name, state, detail) => {
    const row = byId(`step-${name}`);
    row.dataset.state = state;
    setMark(row.querySelector('svg'), state);
    if (detail !== undefined) row.querySelector('.detail').textContent = detail;
  };

  const setVerdict = (state, line) => {
    byId('verdict').dataset.state = state;
    setMark(byId('verdict-mark'), state);
    byId('verdict-title').textContent = text.verdict[state];
    byId('verdict-line').textContent = line;
    document.title = `${text.verdict[state]} · wxsign`;
  };

  const show = (id, words) => {
    byId(id).hidden = !words;
    byId(id).textContent = words || '';
  };

  // The long table of the page first, the helper's short words for what it does not
  // list. Where the URL is known to be right, the advice about it is left out.
  const showFault = (err, urlIsRight) => {
    const known = text.errors.find(row => row.code === err.code);
    const mend = known ? known.mend.slice(urlIsRight ? known.aboutUrl : 0) : [err.mend];
    byId('fault').hidden = false;
    byId('fault-said').textContent = err.errMsg || err.code;
    // A server's message names the very host or url; the table speaks in general.
    byId('fault-cause').textContent = known && !err.status ? known.cause : [known && known.cause, err.cause].filter(Boolean).join(' ');
    put(byId('fault-mend'), mend.map(words => {
      const item = document.createElement('li');
      item.textContent = words;
      return item;
    }));
    show('fault-why', err.why && fill(text.fault.simulator, err));
    show('fault-request', err.requestId);
    byId('fault-request-label').hidden = !err.requestId;
    const row = byId(`error-${err.code}`);
    if (row) row.className = 'met';
  };

  // realAuthUrl is one string "[a, b]" on Android, a list or one string elsewhere.
  const realUrls = real => Array.isArray(real) ? real : real ? String(real).replace(/^\[|\]$/g, '').split(', ') : [];

  const showReal = (signed, list) => {
    const box = byId('url-real'), compare = byId('url-compare');
    if (!list.length) return;
    const same = list.includes(signed);
    byId('fault-cause').textContent += ` ${same ? text.urls.sameHint : text.urls.differsHint}`;
    compare.className = same ? 'compare same' : 'compare differs';
    compare.textContent = same ? text.urls.same : text.urls.differs;
    put(box, [...new Set(list)].map(url => {
      const row = document.createElement('div');
      let at = 0;
      while (at < url.length && url[at] === signed[at]) at++;
      row.textContent = url.slice(0, at);
      if (!same && at < url.length) {
        const mark = document.createElement('mark');
        mark.textContent = url.slice(at);
        row.appendChild(mark);
      }
      return row;
    }));
  };

  const showSigned = config => {
    byId('url-signed').textContent = config.url;
    byId('signature').textContent = config.signature;
  };

  const showFacts = () => {
    const ua = navigator.userAgent, found = /micromessenger\/([\d.]+)/i.exec(ua);
    const system = text.systems[wxsign.client()];
    byId('fact-system').textContent = system;
    byId('fact-version').textContent = found ? found[1] : text.facts.unknown;
    byId('fact-platform').textContent = navigator.platform || text.facts.unknown;
    byId('fact-ua').textContent = ua;
    byId('url-landing').textContent = wxsign.landing;
    byId('url-current').textContent = here();
    if (window.wxsignSimulated) {
      byId('simulated').hidden = false;
      byId('simulated-name').textContent = `${text.simulated} (${text.systems[window.wxsignSimulated]})`;
    }
    return found ? `${system} ${found[1]}` : system;
  };

  // ---- the run

  let began = {};

  const onStep = step => {
    if (step.state === 'run') began[step.name] = Date.now();
    const ms = Date.now() - began[step.name];
    if (step.name === 'client') return; // painted by run
    if (step.state === 'failed') return setStep(step.name, 'failed', step.error.errMsg || step.error.code);
    if (step.state === 'run') return setStep(step.name, 'run', step.name === 'script' ? undefined : '');
    if (step.name === 'script') {
      byId('standin').hidden = step.from !== page.fallback;
      const from = step.from === 'page' ? text.steps.scriptPage : fill(text.steps.scriptFrom, {host: hostOf(step.from)});
      return step.state === 'retry' ? setStep('script', 'run', fill(text.steps.tried, {host: hostOf(step.from)}))
        : setStep('script', 'ok', step.from === page.fallback ? text.steps.scriptStandin : from);
    }
    if (step.name === 'sign') {
      showSigned(step.config);
      return setStep('sign', 'ok', fill(text.steps.signDone, Object.assign({ms}, step.config)));
    }
    setStep(step.name, step.state === 'retry' ? 'run' : 'ok', step.state === 'retry' ? fill(text.steps.retry, step) : step.errMsg);
  };

  const checkApis = (wx, names) => new Promise((resolve, reject) => {
    setStep('api', 'run');
    setTimeout(() => reject(new Error('checkJsApi: …')), 10000);
    wx.checkJsApi({
      jsApiList: names.slice(), // jweixin writes its native names into the list
      success: res => resolve(res.checkResult),
      fail: res => reject(new Error(res.errMsg)),
    });
  });

  // ---- every API with one tap

  const PICTURE = () => form.imgUrl.value;
  let picture = '', sound = '', uploaded = ''; // what one call gave and another one needs
  const SAMPLES = {
    checkJsApi: () => ({jsApiList: apiNames.slice()}),
    updateAppMessageShareData: () => card(), updateTimelineShareData: () => card(),
    onMenuShareAppMessage: () => card(), onMenuShareTimeline: () => card(), onMenuShareQQ: () => card(), onMenuShareQZone: () => card(), onMenuShareWeibo: () => card(),
    chooseImage: () => ({count: 1}), previewImage: () => ({current: PICTURE(), urls: [PICTURE()]}),
    uploadImage: () => ({localId: picture}), getLocalImgData: () => ({localId: picture}), downloadImage: () => ({serverId: uploaded}),
    playVoice: () => ({localId: sound}), pauseVoice: () => ({localId: sound}), stopVoice: () => ({localId: sound}),
    uploadVoice: () => ({localId: sound}), translateVoice: () => ({localId: sound}), downloadVoice: () => ({serverId: uploaded}),
    getLocation: () => ({type: 'gcj02'}), scanQRCode: () => ({needResult: 1}),
    openLocation: () => ({latitude: 39.9087, longitude: 116.3975, name: '天安门', scale: 15}),
    hideMenuItems: () => ({menuList: ['menuItem:copyUrl']}), showMenuItems: () => ({menuList: ['menuItem:copyUrl']}),
  };
  const OWN = ['chooseWXPay', 'addCard', 'chooseCard', 'openCard', 'consumeAndShareCard', 'openProductSpecificView', 'openEnterpriseRedPacket'];
  let apiNames = [];
  const tries = {};

  // meaningOf is what the long table of the page says about an answer.
  const meaningOf = said => text.errors.find(row => said.toLowerCase().includes(row.code.replace(/_/g, ' ')));

  const showTry = (name, state, words) => {
    const box = byId(`api-${name}`);
    box.className = state;
    box.textContent = words;
    if (state === 'run') return;
    tries[name] = words;
    byId('send-tries').hidden = false;
  };

  const tryApi = name => {
    const wx = window.jWeixin;
    if (typeof wx[name] !== 'function') return showTry(name, 'no', text.apis.missing);
    if (name === 'closeWindow' && !confirm(text.apis.confirm)) return;
    const answered = res => {
      if (name === 'chooseImage' && res.localIds) picture = [].concat(res.localIds)[0];
      if (name === 'stopRecord' && res.localId) sound = res.localId;
      if (res.serverId) uploaded = res.serverId;
      const more = Object.assign({}, res);
      delete more.errMsg;
      const known = /:(ok|cancel)/.test(res.errMsg) ? null : meaningOf(String(res.errMsg));
      const rest = known ? known.cause : Object.keys(more).length ? JSON.stringify(more).slice(0, 160) : '';
      showTry(name, /:ok/.test(res.errMsg) ? 'yes' : 'no', `${res.errMsg} ${rest}`.trim());
    };
    showTry(name, 'run', text.apis.waiting);
    wx[name](Object.assign(SAMPLES[name] ? SAMPLES[name]() : {}, {success: answered, fail: answered, cancel: answered}));
    if (/^on/.test(name)) showTry(name, 'yes', text.apis.listening);
  };

  const cell = (row, child, className) => {
    const box = document.createElement('td');
    box.className = className || '';
    box.appendChild(child);
    row.appendChild(box);
  };

  const apiRow = (name, supported) => {
    const row = document.createElement('tr'), box = document.createElement('div');
    const button = document.createElement('button'), said = document.createElement('span');
    cell(row, document.createTextNode(name), 'mono');
    cell(row, document.createTextNode(supported ? text.apis.yes : text.apis.no), supported ? 'yes' : 'no');
    button.type = 'button';
    button.className = 'small';
    button.textContent = text.apis.try;
    button.addEventListener('click', () => tryApi(name));
    said.id = `api-${name}`;
    if (OWN.includes(name)) said.textContent = text.apis.own;
    box.appendChild(button);
    box.appendChild(said);
    cell(row, box);
    return row;
  };

  const showApis = result => {
    apiNames = Object.keys(result);
    const yes = apiNames.filter(name => result[name]);
    byId('apis-section').hidden = false;
    put(byId('apis'), apiNames.map(name => apiRow(name, result[name])));
    setStep('api', yes.length === apiNames.length ? 'ok' : 'warn', fill(text.steps.apiCount, {yes: yes.length, all: apiNames.length}));
  };

  const form = byId('share');
  const card = () => ({title: form.title.value, desc: form.elements.desc.value, link: form.link.value, imgUrl: form.imgUrl.value});

  const setShare = async () => {
    setStep('share', 'run', '');
    byId('share-said').textContent = '';
    try {
      await wxsign.share(card(), options());
    } catch (err) {
      setStep('share', 'failed', err.errMsg || err.code);
      throw err;
    }
    setStep('share', 'ok', text.steps.shareDone);
    byId('share-said').textContent = text.share.applied;
  };

  // checkLink asks the server whether it would sign the link: WeChat drops a link
  // off the account's domains without a word. The fragment does not count.
  const checkLink = async () => {
    const box = byId('link-check'), link = form.link.value;
    box.className = 'check';
    box.textContent = '';
    try {
      await wxsign.signature(link, options());
      if (form.link.value !== link) return;
      box.className = 'check same';
      box.textContent = text.share.linkYes;
    } catch (err) {
      if (form.link.value !== link) return;
      const known = text.errors.find(row => row.code === err.code);
      box.className = 'check differs';
      box.textContent = fill(text.share.linkNo, {cause: known ? known.cause : err.cause});
    }
  };

  // ---- single-page app

  let routes = 0;
  const spaTries = [];

  // route changes the address as a router would, and signs again.
  const route = async change => {
    change();
    const buttons = ['spa-push', 'spa-hash', 'spa-back'].map(byId);
    const row = byId('step-client').cloneNode(true), detail = row.querySelector('.detail'), mark = row.querySelector('svg');
    const paint = (state, words) => { row.dataset.state = state; setMark(mark, state); detail.textContent = words; };
    row.removeAttribute('id');
    row.querySelector('.name').textContent = location.href.replace(location.origin, '');
    byId('url-current').textContent = here();
    byId('spa-log').appendChild(row);
    paint('run', text.spa.working);
    for (const button of buttons) button.disabled = true;
    const outcome = {at: location.href};
    try {
      await wxsign.reconfigure(Object.assign(options(), {onStep: undefined}));
      const tried = wxsign.last.attempts[wxsign.last.attempts.length - 1];
      Object.assign(outcome, {signed: tried.url, errMsg: tried.errMsg});
      paint('ok', `${tried.errMsg} · ${fill(text.spa.signed, tried)}`);
      const refused = await agentConfig(); // the URL is signed in both
      if (refused) throw refused;
    } catch (err) {
      Object.assign(outcome, {errMsg: err.errMsg || err.code});
      paint('failed', err.message);
    }
    spaTries.push(outcome);
    byId('send-tries').hidden = false;
    for (const button of buttons) button.disabled = button.id === 'spa-back' && !routes;
  };

  // pushed is another address of this page, with letters that need care.
  const pushed = () => {
    const url = new URL(location.href);
    url.searchParams.set('route', `商品 ${++routes}`);
    return url.href;
  };

  // ---- open tag

  const TAG = 'wx-open-launch-weapp';

  const checkTag = config => {
    const has = (config.openTagList || []).includes(TAG);
    byId('tag-check').className = has ? 'check same' : 'check differs';
    byId('tag-check').textContent = has ? text.tag.yes : text.tag.no;
    byId('tag-show').disabled = !has;
  };

  const showTag = () => {
    const tag = document.createElement(TAG), button = document.createElement('script'), place = byId('tag-place');
    const said = words => { byId('tag-said').textContent = words; };
    tag.setAttribute('username', byId('tag').elements.username.value.trim());
    tag.setAttribute('path', byId('tag').elements.path.value.trim());
    button.type = 'text/wxtag-template'; // WeChat reads it, no browser runs it
    button.text = `<button>${text.tag.label}</button>`;
    tag.appendChild(button);
    for (const event of ['ready', 'launch']) tag.addEventListener(event, () => said(event));
    tag.addEventListener('error', event => said(fill(text.tag.error, {what: 'error', why: JSON.stringify(event.detail)})));
    put(place, [tag]);
    place.hidden = false;
    said(text.tag.shown);
  };

  document.addEventListener('WeixinOpenTagsError', event => {
    byId('tag-said').textContent = fill(text.tag.error, {what: 'WeixinOpenTagsError', why: JSON.stringify(event.detail)});
  });

  // ---- WeCom: the page as one application of the corp

  const AGENT_SCRIPT = 'https://open.work.weixin.qq.com/wwopen/js/jwxwork-1.0.0.js';

  // loadAgentScript brings wx.agentConfig; without it the bridge is asked directly,
  // as Tencent's own @wecom/jssdk does.
  const loadAgentScript = () => new Promise(resolve => {
    if (window.wx.agentConfig) return resolve();
    const script = document.createElement('script');
    script.src = AGENT_SCRIPT;
    script.onload = script.onerror = resolve;
    setTimeout(resolve, 5000);
    document.head.appendChild(script);
  });

  const agentFailure = res => {
    const errMsg = res.errMsg || res.err_msg || 'agentConfig:fail', said = `${errMsg} ${res.hint || ''}`;
    const code = /80001|reliable domain/.test(said) ? 'agent_domain' : /function not exist/.test(said) ? 'function_not_exist' : 'agent_refused';
    return Object.assign(new Error(errMsg), {code, step: 'agent', errMsg: said.trim(), why: res.why});
  };

  const askAgent = given => new Promise((resolve, reject) => {
    const heard = res => /:ok$/.test(res.errMsg || res.err_msg) ? resolve(res.errMsg || res.err_msg) : reject(agentFailure(res));
    setTimeout(() => reject(agentFailure({errMsg: 'agentConfig:timeout'})), 10000);
    if (window.wx.agentConfig) return window.wx.agentConfig(Object.assign({}, given, {success: heard, fail: heard}));
    window.wx.invoke('agentConfig', {corpid: given.corpid, agentid: given.agentid, timestamp: `${given.timestamp}`, nonceStr: given.nonceStr,
      signature: given.signature, jsApiList: given.jsApiList}, heard);
  });

  // agentConfig signs and configures; it resolves with the failure, null without.
  const agentConfig = async () => {
    if (!page.agent) return null;
    if (wxsign.client() !== 'wecom') {
      setStep('agent', 'idle', text.steps.agentElsewhere);
      return null;
    }
    setStep('agent', 'run', '');
    try {
      const given = await wxsign.signature(here(), Object.assign(options(), {kind: 'agent_config'}));
      await loadAgentScript();
      const script = window.wx.agentConfig ? 'jwxwork' : text.steps.agentDirect;
      setStep('agent', 'ok', `${await askAgent(given)} · ${fill(text.steps.agentDone, Object.assign({script}, given))}`);
      return null;
    } catch (err) {
      setStep('agent', 'failed', err.errMsg || err.code);
      return Object.assign(err, {step: 'agent'});
    }
  };

  // inBrowser is the run outside WeChat: the server still signs, nobody verifies.
  const inBrowser = async () => {
    for (const name of stepNames(['script', 'verify', 'agent', 'api', 'share'])) setStep(name, 'idle', text.steps.noWeChat);
    onStep({name: 'sign', state: 'run'});
    const config = await wxsign.signature(here(), options());
    onStep({name: 'sign', state: 'ok', config});
    checkTag(config);
    byId('tag-show').disabled = true;
    setVerdict('idle', page.simulated ? text.verdict.idleSimLine : text.verdict.idleLine);
  };

  // inWeChat resolves with the milliseconds until WeChat accepted.
  const inWeChat = async () => {
    const start = Date.now();
    const wx = await wxsign.config(Object.assign(options(), {fallback: page.fallback || undefined, onStep}));
    const ms = Date.now() - start;
    byId('apply').disabled = false;
    const attempts = wxsign.last.attempts, config = attempts[attempts.length - 1].config;
    for (const id of ['spa-push', 'spa-hash']) byId(id).disabled = false;
    checkTag(config);
    const refused = await agentConfig();
    try {
      showApis(await checkApis(wx, config.jsApiList));
    } catch (err) {
      setStep('api', 'failed', err.message);
    }
    try {
      await setShare();
    } catch (err) {
      setVerdict('warn', text.verdict.warnLine);
      showFault(err);
      return report('failed', {step: 'share', errMsg: err.errMsg, code: err.code, ms});
    }
    if (refused) {
      setVerdict('warn', text.verdict.warnLine);
      showFault(refused);
      return report('failed', {step: 'agent', errMsg: refused.errMsg, code: refused.code, ms});
    }
    setVerdict('ok', fill(text.verdict.okLine, {ms}));
    return report('ok', {errMsg: 'config:ok', ms});
  };

  const run = async () => {
    began = {};
    byId('again').disabled = true;
    byId('fault').hidden = true;
    byId('apis-section').hidden = true;
    setVerdict('run', text.verdict.runLine);
    for (const name of stepNames(['script', 'sign', 'verify', 'agent', 'api', 'share'])) setStep(name, 'wait', '');
    const browser = wxsign.client() === 'browser';
    setStep('client', browser ? 'idle' : 'ok', showFacts());
    try {
      await (browser ? inBrowser() : inWeChat());
      if (browser) byId('report').textContent = text.report.none;
    } catch (err) {
      onStep({name: err.step, state: 'failed', error: err});
      setVerdict('failed', fill(text.verdict.failedLine, {step: text.steps[err.step]}));
      const tried = wxsign.last ? wxsign.last.attempts : [];
      const signed = tried.length ? tried[tried.length - 1].url : '', real = realUrls(err.realAuthUrl);
      showFault(err, real.includes(signed));
      showReal(signed, real);
      if (!browser) await report('failed', {step: err.step, code: err.code, errMsg: err.errMsg, realAuthUrl: err.realAuthUrl});
    }
    byId('again').disabled = false;
  };

  // ---- the verdict goes to the panel

  // cut keeps a text below what the server takes in, 2048 bytes of UTF-8.
  const cut = words => {
    let bytes = 0, at = 0;
    while (at < words.length && (bytes += words.charCodeAt(at) < 128 ? 1 : 3) <= 2000) at++;
    return words.slice(0, at);
  };

  const report = async (verdict, detail) => {
    const line = byId('report');
    line.textContent = text.report.sending;
    const last = wxsign.last || {attempts: []};
    const facts = Object.assign(detail, {urls: last.attempts.map(tried => tried.url), script: last.script});
    const client = window.wxsignSimulated ? `simulated ${wxsign.client()}` : wxsign.client();
    try {
      const res = await fetch('/demo/report', {
        method: 'POST',
        headers: {'Content-Type': 'application/json'},
        body: JSON.stringify({
          nonce: page.nonce, app_id: page.appId, profile: page.profile, page_url: here().slice(0, 1024),
          client, verdict, detail: cut(JSON.stringify(facts)),
        }),
      });
      if (!res.ok) throw new Error((await res.json()).code);
      line.textContent = text.report.sent;
    } catch (err) {
      line.textContent = fill(text.report.failed, {why: err.message});
    }
  };

  // ---- what people do

  const copy = async (words, button) => {
    const before = button.textContent;
    let copied = true;
    try {
      await navigator.clipboard.writeText(words);
    } catch (e) { // no clipboard outside https and in old web views
      const box = document.createElement('textarea');
      box.value = words;
      document.body.appendChild(box);
      box.select();
      copied = document.execCommand('copy');
      box.remove();
    }
    button.textContent = copied ? text.copied : text.copyRefused;
    setTimeout(() => { button.textContent = before; }, 1500);
  };

  const result = () => {
    const rows = [...document.querySelectorAll('.steps li')].map(row =>
      `${row.querySelector('.name').textContent}: ${row.dataset.state} ${row.querySelector('.detail').textContent}`);
    const last = wxsign.last || {attempts: []};
    return [byId('verdict-title').textContent, byId('fault').hidden ? '' : byId('fault').innerText, ...rows,
      `app_id: ${page.appId}`, `signed: ${byId('url-signed').textContent}`, `real: ${byId('url-real').textContent}`,
      `landing: ${wxsign.landing}`, `current: ${here()}`, `attempts: ${JSON.stringify(last.attempts)}`,
      `user agent: ${navigator.userAgent}`].filter(Boolean).join('\n');
  };

  const preview = () => {
    const now = card();
    byId('card-title').textContent = now.title;
    byId('card-desc').textContent = now.desc;
    byId('card-image').src = /^(https?|data):/i.test(now.imgUrl) ? now.imgUrl : 'data:,';
  };

  const choose = (key, value) => {
    const url = new URL(location.href);
    url.searchParams.set(key, value);
    if (key === 'app_id') url.searchParams.delete('profile');
    location.assign(url.href);
  };

  // sendTries adds what people tried to the verdict that the panel shows.
  const sendTries = () => {
    const right = byId('verdict').dataset.state === 'ok' && spaTries.every(tried => tried.errMsg === 'config:ok');
    return report(right ? 'ok' : 'failed', {apis: tries, routes: spaTries});
  };

  form.link.value = here();
  form.addEventListener('input', () => { preview(); byId('share-said').textContent = ''; });
  form.addEventListener('submit', event => {
    event.preventDefault();
    setShare().catch(err => { byId('share-said').textContent = `${err.errMsg || err.code} ${err.mend}`; });
  });
  form.link.addEventListener('change', checkLink);
  byId('tag').addEventListener('submit', event => { event.preventDefault(); showTag(); });
  byId('spa-push').addEventListener('click', () => route(() => history.pushState({}, '', pushed())));
  byId('spa-hash').addEventListener('click', () => route(() => history.pushState({}, '', `#/route/${++routes}`)));
  byId('spa-back').addEventListener('click', () => {
    routes--;
    addEventListener('popstate', () => route(() => {}), {once: true});
    history.back();
  });
  byId('send-tries').addEventListener('click', sendTries);
  byId('again').addEventListener('click', () => location.reload()); // a fresh jweixin, as a person would
  byId('copy-url').addEventListener('click', event => copy(byId('url-signed').textContent, event.target));
  byId('copy-report').addEventListener('click', event => copy(result(), event.target));
  for (const key of ['account', 'profile']) {
    const box = byId(key);
    if (box) box.addEventListener('change', () => choose(key === 'account' ? 'app_id' : key, box.value));
  }
  preview();
  run();
})();
