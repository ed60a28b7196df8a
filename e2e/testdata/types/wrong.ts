// What the types must refuse, each line for a reason of its own.
import {config, signature} from 'wxsign';

config({nope: true});
config({apis: 'scanQRCode'});
signature();
signature('https://h5.example.com/', {kind: 'agent_config'}).then(signed => signed.appId);
