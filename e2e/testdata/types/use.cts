// The same package for a bundler that requires it.
import wxsign = require('wxsign');

export const ready: Promise<unknown> = wxsign.default.config({appId: 'wx0123456789abcdef'}).catch((err: wxsign.WxsignError) => err.mend);
