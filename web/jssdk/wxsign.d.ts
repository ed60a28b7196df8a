/**
 * wxsign page helper: signs this page with a wxsign server and configures the
 * WeChat JS-SDK (jweixin) with the answer.
 *
 * Classic script: `<script src="https://SERVER/jssdk/wxsign.js"></script>` sets `window.wxsign`.
 * Module: `import wxsign from 'https://SERVER/jssdk/wxsign.mjs'`.
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
 * accepted the signature (and the share card, if one is given). In a single-page app
 * call it again after the URL changed; calls queue up. It takes jweixin's single
 * `wx.error` slot. On Android a refused signature is tried once more with the other URL.
 */
export function config(options?: Options): Promise<any>;
/** Asks the server to sign `url` (fragment ignored) without configuring anything. */
export function signature(url: string, options?: ServerOptions): Promise<SignedConfig>;
/** Sets the share card after a successful config. */
export function share(card: Share, options?: Pick<ServerOptions, 'timeout' | 'lang'>): Promise<unknown>;
/** The URLs that WeChat may verify on this client, best first. */
export function urls(): string[];
/** The client, from user agent, platform and touch points. */
export function client(): Client;
/** The URL at load, without fragment. */
export const landing: string;

declare const wxsign: {
  config: typeof config;
  signature: typeof signature;
  share: typeof share;
  urls: typeof urls;
  client: typeof client;
  readonly landing: string;
  /** Default of `endpoint`. */
  endpoint: string;
  /** null before the first config. */
  last: Last | null;
};
export default wxsign;

declare global {
  interface Window {
    wxsign: typeof wxsign;
  }
}
