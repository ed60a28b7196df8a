// What both Node servers share: the flags of the Go ones, and the lists.
const {parseArgs} = require('node:util');

exports.lists = {
  jsApiList: ['updateAppMessageShareData', 'updateTimelineShareData', 'checkJsApi'], openTagList: [], debug: false,
};

exports.options = () => {
  const {values} = parseArgs({options: {
    listen: {type: 'string'}, wechat: {type: 'string'}, 'app-id': {type: 'string'}, secret: {type: 'string'},
  }});
  const [host, port] = values.listen.split(':');
  return {host, port: Number(port), wechat: values.wechat, appId: values['app-id'], secret: values.secret};
};
