// A page that uses everything that wxsign.d.ts declares; it is compiled, not run.
import wxsign, {client, config, landing, reconfigure, share, signature, urls} from 'wxsign';
import type {Client, Last, Options, SignedAgentConfig, SignedConfig, Step, WxsignError} from 'wxsign';

const heard: Step[] = [];
const options: Options = {
  appId: 'wx0123456789abcdef', profile: 'default', apis: ['scanQRCode'], openTags: ['wx-open-launch-weapp'], lang: 'en', timeout: 5000,
  share: {title: 'Spring sale', imgUrl: 'https://h5.example.com/card.png'}, report: true, onStep: step => heard.push(step),
};

export async function run(): Promise<string> {
  wxsign.endpoint = 'https://sign.example.com/jssdk/config';
  try {
    const wx = await config(options);
    wx.scanQRCode({needResult: 1});
    await reconfigure({profile: 'other'});
    await share({desc: 'says'}, {lang: 'zh'});
  } catch (e) {
    const err = e as WxsignError;
    return `${err.code} ${err.step} ${err.cause} ${err.mend} ${err.requestId || ''}`;
  }
  const corp: SignedConfig = await signature(landing);
  const agent: SignedAgentConfig = await wxsign.signature(urls()[0], {kind: 'agent_config'});
  const last: Last | null = window.wxsign.last;
  const here: Client = client();
  return corp.appId + agent.agentid + here + (last ? last.attempts.length : 0);
}
