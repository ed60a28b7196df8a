// The commands of ../client/client.go, for SDKs in JavaScript.
const {createHash} = require('node:crypto');
const readline = require('node:readline');
const {parseArgs} = require('node:util');

exports.openid = 'OPENID';
exports.content = 'Hello';

const hashed = (value) => ({sha256: createHash('sha256').update(value).digest('hex')});

// failed tells an SDK's error. wechat-jssdk throws WeChat's answer as it is.
const failed = (error) => ({
  error: error.message || error.errmsg || String(error), errcode: Number(error.code || error.errcode) || 0,
});

const attempt = async (work) => {
  try {
    return await work() || {};
  } catch (error) {
    return failed(error);
  }
};

const storm = async (sdk, workers, ended) => {
  const total = {calls: {}, odd: []};
  const work = async () => {
    while (!ended()) {
      const {error, errcode = 0} = await attempt(async () => void await sdk.call());
      if (error && !errcode) {
        if (total.odd.length < 5) total.odd.push(error);
      } else {
        total.calls[errcode] = (total.calls[errcode] || 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({length: workers}, work));
  return total;
};

// main reads commands until standard input ends. newSDK makes {token, ticket,
// call} for one account, once.
exports.main = (newSDK) => {
  const {values} = parseArgs({options: {base: {type: 'string'}, key: {type: 'string'}}});
  const sdks = new Map();
  const sdkOf = (appId) => {
    if (!sdks.has(appId)) sdks.set(appId, newSDK({...values, appId}));
    return sdks.get(appId);
  };
  let lines = 0;
  const answer = async (command, appId, workers) => {
    const sdk = sdkOf(appId);
    const mine = lines;
    switch (command) {
      case 'token': return hashed(await sdk.token());
      case 'ticket': return hashed(await sdk.ticket());
      case 'call': await sdk.call(); return {};
      case 'storm': return storm(sdk, Number(workers), () => lines > mine);
      default: throw new Error(`no such command: ${command}`);
    }
  };
  let busy = Promise.resolve();
  let storming = false;
  readline.createInterface({input: process.stdin}).on('line', (line) => {
    lines++;
    if (storming) { // this line only ends the storm
      storming = false;
      return;
    }
    storming = line.startsWith('storm ');
    busy = busy.then(async () => {
      console.log(JSON.stringify(await attempt(() => answer(...line.split(' ')))));
    });
  }).on('close', () => {
    lines++;
    busy.then(() => process.exit()); // wechat-jssdk keeps a timer
  });
};
