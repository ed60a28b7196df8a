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

  const showApis = result => {
    const names = Object.keys(result), yes = names.filter(name => result[name]);
    byId('apis').hidden = false;
    put(byId('apis'), names.map(name => {
      const item = document.createElement('li');
      item.textContent = name;
      item.className = result[name] ? 'yes' : 'no';
      return item;
    }));
    setStep('api', yes.length === names.length ? 'ok' : 'warn', fill(text.steps.apiCount, {yes: yes.length, all: names.length}));
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

  // inBrowser is the run outside WeChat: the server still signs, nobody verifies.
  const inBrowser = async () => {
    for (const name of ['script', 'verify', 'api', 'share']) setStep(name, 'idle', text.steps.noWeChat);
    onStep({name: 'sign', state: 'run'});
    const config = await wxsign.signature(here(), options());
    onStep({name: 'sign', state: 'ok', config});
    setVerdict('idle', page.simulated ? text.verdict.idleSimLine : text.verdict.idleLine);
  };

  // inWeChat resolves with the milliseconds until WeChat accepted.
  const inWeChat = async () => {
    const start = Date.now();
    const wx = await wxsign.config(Object.assign(options(), {fallback: page.fallback || undefined, onStep}));
    const ms = Date.now() - start;
    byId('apply').disabled = false;
    const attempts = wxsign.last.attempts;
    try {
      showApis(await checkApis(wx, attempts[attempts.length - 1].config.jsApiList));
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
    setVerdict('ok', fill(text.verdict.okLine, {ms}));
    return report('ok', {errMsg: 'config:ok', ms});
  };

  const run = async () => {
    began = {};
    byId('again').disabled = true;
    byId('fault').hidden = true;
    byId('apis').hidden = true;
    setVerdict('run', text.verdict.runLine);
    for (const name of ['script', 'sign', 'verify', 'api', 'share']) setStep(name, 'wait', '');
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
          client, verdict, detail: JSON.stringify(facts).slice(0, 1024),
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
    try {
      await navigator.clipboard.writeText(words);
    } catch (e) { // no clipboard outside https and in old web views
      const box = document.createElement('textarea');
      box.value = words;
      document.body.appendChild(box);
      box.select();
      document.execCommand('copy');
      box.remove();
    }
    button.textContent = text.copied;
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

  form.link.value = here();
  form.addEventListener('input', () => { preview(); byId('share-said').textContent = ''; });
  form.addEventListener('submit', event => {
    event.preventDefault();
    setShare().catch(err => { byId('share-said').textContent = `${err.errMsg || err.code} ${err.mend}`; });
  });
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
