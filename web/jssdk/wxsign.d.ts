/**
 * wxsign page helper: signs this page with a wxsign server and configures the
 * WeChat JS-SDK (jweixin) with the answer.
 *
 * Classic script: `<script src="https://SERVER/jssdk/wxsign.js"></script>` sets `window.wxsign`.
 * Without code: the same tag with `data-app-id`, `data-profile`, `data-apis="a,b"`, `data-open-tags="a,b"`,
 * `data-share`, `data-share-title`, `data-share-desc`, `data-share-link`, `data-share-img-url`; any of them makes it
 * configure the page at once, and `wxsign.ready` is the promise. Also read: `data-report`, `data-lang`, `data-debug`,
 * `data-timeout`, `data-endpoint`, `data-fallback`. All of them are defaults for the calls below.
 * Module: `import wxsign from 'https://SERVER/jssdk/wxsign.mjs'`.
 * Bundler: `npm install wxsign`, then `import wxsign from 'wxsign'` and, where the server has another origin than the
 * page, `wxsign.endpoint = 'https://SERVER/jssdk/config'`.
 * Load it before any router: it remembers the landing URL, which is the one that
 * phones verify in a single-page app.
 *
 * ```js
 * const wx = await wxsign.config({share: {title, desc, link, imgUrl}});
 * ```
 */

/** Where the page is open. `other` is a WeChat that names no system known here. */
export type Client = 'android' | 'ios' | 'desktop' | 'wecom' | 'devtools' | 'other' | 'browser';

/** One share card, for a friend and for the timeline. */
export interface Share {
  /** Default: the document's title. */
  title?: string;
  /** Not shown on the timeline. Default: empty. */
  desc?: string;
  /** Must be on a JS interface safe domain of the account. Default: this page. */
  link?: string;
  /** Address of an image; WeChat scales it to a square. */
  imgUrl?: string;
}

/** The JSON of GET /jssdk/config; `wx.config` takes it as it is. */
export interface SignedConfig {
  appId: string;
  /** Unix seconds. */
  timestamp: number;
  nonceStr: string;
  /** 40 hex digits. */
  signature: string;
  /** The URL that was signed, without fragment. */
  url: string;
  jsApiList: string[];
  openTagList: string[];
  debug: boolean;
  /** Only for WeCom. */
  beta?: boolean;
}

/** The answer to `kind: 'agent_config'`: what wx.agentConfig takes. */
export interface SignedAgentConfig {
  corpid: string;
  agentid: string;
  /** Unix seconds. */
  timestamp: number;
  nonceStr: string;
  /** 40 hex digits. */
  signature: string;
  url: string;
  jsApiList: string[];
}

/** What onStep is told. `retry` means that the next host or the other URL is tried. */
export interface Step {
  name: 'client' | 'script' | 'sign' | 'verify' | 'share';
  state: 'run' | 'ok' | 'retry' | 'failed';
  /** script: the address; `page` where the page had loaded jweixin itself. */
  from?: string;
  /** sign, verify: the URL that is or was signed. */
  url?: string;
  /** sign, verify: the server's answer. */
  config?: SignedConfig;
  /** verify: WeChat's words, for example `config:ok`. */
  errMsg?: string;
  /** verify: the URL that WeChat verified; newer clients say it with a failure. Android sends one string. */
  realAuthUrl?: string | string[];
  /** failed: the same error that the promise is rejected with. */
  error?: WxsignError;
}

export interface ServerOptions {
  /** AppID; may be left out where one account's domains match the page. */
  appId?: string;
  /** Named API list of the account on the server. Default: `default`. */
  profile?: string;
  /** Address of /jssdk/config. Default: beside the script, or `/jssdk/config` from a bundle. */
  endpoint?: string;
  /** Milliseconds for each single step. Default: 10000. */
  timeout?: number;
  /** `zh` or `en`, for cause and mend. Default: navigator.language. */
  lang?: string;
}

export interface SignatureOptions extends ServerOptions {
  /** Which ticket signs. `agent_config` is for WeCom's wx.agentConfig; default: `jsapi`, for wx.config. */
  kind?: 'jsapi' | 'agent_config';
}

export interface Options extends ServerOptions {
  /** jsApiList; default: the profile's. The two share calls are added when `share` is given. */
  apis?: string[];
  /** openTagList; default: the profile's. */
  openTags?: string[];
  /** Share card to set once WeChat has accepted the signature. */
  share?: Share;
  /** jweixin's alerts. Default: the profile's. */
  debug?: boolean;
  /** Script to load when jweixin can be had neither from res.wx.qq.com nor from res2.wx.qq.com. */
  fallback?: string;
  /** Tell the server of a failure (POST /jssdk/report, by sendBeacon), so that it is seen in the panel. Default: off. */
  report?: boolean;
  /** Told of every step as it happens. */
  onStep?: (step: Step) => void;
}

/** Every rejection is one of these. */
export interface WxsignError extends Error {
  name: 'WxsignError';
  /**
   * `not_wechat`, `script_unreachable`, `config_unreachable`, `wechat_silent`, `invalid_signature`,
   * `invalid_url_domain`, `require_subscribe`, `offline_verifying`, `permission_denied`, `function_not_exist`,
   * `config_fail`, `wechat_refused`, or the server's own code such as `domain_not_allowed`.
   */
  code: string;
  /** What happened, in words. */
  cause: string;
  /** What to do about it, in words. */
  mend: string;
  step: Step['name'];
  /** WeChat's words, where WeChat refused. */
  errMsg?: string;
  realAuthUrl?: string | string[];
  /** HTTP status, where the server refused. */
  status?: number;
  requestId?: string;
}

/** What the latest config did, for display and support. */
export interface Last {
  client: Client;
  landing: string;
  /** The URLs that WeChat may verify here, best first. */
  urls: string[];
  /** Where jweixin came from. */
  script?: string;
  attempts: {url: string; config: SignedConfig; errMsg: string; realAuthUrl?: string | string[]}[];
  error?: WxsignError;
}

/**
 * Signs this page, configures jweixin and resolves with `wx` only when WeChat has
 * accepted the signature (and the share card, if one is given). Calls queue up. It takes
 * jweixin's single `wx.error` slot. On Android a refused signature is tried once more with
 * the other URL; a server that has no ticket at the moment is asked once more when it says so.
 */
export function config(options?: Options): Promise<any>;
/**
 * `config` again with the options of the last one, changed by those given: for a single-page
 * app whenever the route has changed, with history and with hash routers. Where the share card
 * has no link, it is that of the new route.
 */
export function reconfigure(options?: Options): Promise<any>;
/**
 * Asks the server to sign `url` (fragment ignored) without configuring anything. With
 * `@wecom/jssdk`, hand it to `ww.register`:
 *
 * ```js
 * ww.register({
 *   corpId, agentId, jsApiList,
 *   getConfigSignature: url => wxsign.signature(url),
 *   getAgentConfigSignature: url => wxsign.signature(url, {kind: 'agent_config'}),
 * });
 * ```
 */
export function signature(url: string, options: SignatureOptions & {kind: 'agent_config'}): Promise<SignedAgentConfig>;
export function signature(url: string, options?: SignatureOptions): Promise<SignedConfig>;
/**
 * Sets the share card as soon as the config under way has succeeded. A link to another host than the page's is
 * shown to the server first: WeChat drops one that is not on the account's domains, and says
 * nothing. With a jweixin that has only the deprecated onMenuShare calls, those are used.
 */
export function share(card: Share, options?: ServerOptions): Promise<void>;
/** The URLs that WeChat may verify on this client, best first. */
export function urls(): string[];
/** The client, from user agent, platform and touch points. */
export function client(): Client;
/** The URL at load, without fragment. */
export const landing: string;

declare const wxsign: {
  config: typeof config;
  reconfigure: typeof reconfigure;
  signature: typeof signature;
  share: typeof share;
  urls: typeof urls;
  client: typeof client;
  readonly landing: string;
  /** Default of `endpoint`. */
  endpoint: string;
  /** Of the form without code: what its config resolves with. */
  ready?: Promise<any>;
  /** null before the first config. */
  last: Last | null;
};
export default wxsign;

declare global {
  interface Window {
    wxsign: typeof wxsign;
  }
}
